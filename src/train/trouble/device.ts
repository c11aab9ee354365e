/**
 * What a run does about a device that is lost or full: it goes on with another, from its last
 * checkpoint.
 *
 * @module
 */
import type { Config, SizedConfig, SizedTrain } from "../../config/mod.ts";
import { DeviceLost, OutOfMemory } from "../../errors.ts";
import type { Device } from "../../gpu/device.ts";

/** How often a run goes on with another device. */
const MOST = 3;

/** What an attempt is made with. */
export interface Attempt {
  readonly config: Config;
  /** One is opened, and closed at the end, where absent. */
  readonly device: Device | undefined;
  /** Why the attempt before has ended; null for the first. */
  readonly after: string | null;
}

/** What a run is begun with. */
export interface FirstAttempt extends Omit<Attempt, "after"> {
  /** Whether there are other ranks, which would not go back with it: it then makes no other attempt. */
  readonly isShared?: boolean;
}

/**
 * Attempts a run until it ends by something else than its device: on a new device where that was
 * lost, and in less memory where it was full.
 *
 * @throws {GpuError} where it was lost or full too often.
 */
export async function onWorkingDevice<T>(
  { isShared = false, ...first }: FirstAttempt,
  attempt: (attempt: Attempt, onSized: (config: SizedConfig) => void) => Promise<T>,
): Promise<T> {
  let now: Attempt = { ...first, after: null };
  for (let times = 0;; times++) {
    let sized: SizedConfig | null = null;
    try {
      return await attempt(now, (config) => sized = config);
    } catch (fault) {
      const next = times < MOST && !isShared ? nextOf(now.config, sized, fault) : null;
      if (!next) throw fault;
      now = next;
    }
  }
}

/** What to attempt after a fault; null where it is not the device's. A run keeps the sizes it has. */
function nextOf(given: Config, sized: SizedConfig | null, fault: unknown): Attempt | null {
  const config = sized ?? given;
  if (fault instanceof DeviceLost) {
    return { config, device: undefined, after: `${fault.message}: on with a new device` };
  }
  if (!(fault instanceof OutOfMemory) || sized === null) return null;
  const smaller = inLessMemory(sized.train);
  if (!smaller) return null;
  const words = Object.entries(smaller).map(([key, value]) => `train.${key} ${value}`).join(", ");
  const after = `${fault.message}: on with ${words}`;
  const train = { ...config.train, ...smaller };
  return { config: { ...config, train }, device: undefined, after };
}

/**
 * Settings that take less memory: activations made again in backward, which changes no number, and
 * then half the micro-batch. Null where there are none.
 */
function inLessMemory({ recompute, micro_batch_tokens: tokens }: SizedTrain) {
  if (!recompute) return { recompute: true };
  return tokens % 16 === 0 ? { micro_batch_tokens: tokens / 2 } : null;
}
