/**
 * What a run does about trouble: back to a moment before it, and on from there with a lower rate.
 *
 * @module
 */
import { GpuError } from "../../errors.ts";
import { clear } from "../../gpu/buffer.ts";
import type { BackEvent } from "../../runs/events.ts";
import { dropCheckpointsAfter, loadCheckpoint } from "../checkpoint.ts";
import { type LoopOptions, type LoopResult, trainLoop } from "../loop.ts";
import type { Session } from "../session.ts";
import { writeBlackBox } from "./black_box.ts";
import { Trouble } from "./trouble.ts";

/** How a run goes through trouble. */
export interface RecoveryOptions extends LoopOptions {
  /** What the parts knew before the first update. */
  readonly beginning: Readonly<Record<string, unknown>>;
  /** Where black boxes go; null for none. */
  readonly blackBoxes: string | null;
  readonly onGoneBack: (gone: Omit<BackEvent, "kind">) => void;
}

/** Numbers were NaN or infinite more often than the config allows to go back. */
export class Diverged extends GpuError {}

/**
 * Trains, through as much trouble as the config allows: each time a black box is written, and the
 * run goes back, first to the last checkpoint, then to the one before it, then to its beginning.
 *
 * @throws {Diverged} where it is too much.
 */
export async function trainThroughTrouble(
  session: Session,
  options: RecoveryOptions,
): Promise<LoopResult> {
  for (let start = options.start;;) {
    try {
      return await trainLoop(session, { ...options, start });
    } catch (trouble) {
      if (!(trouble instanceof Trouble)) throw trouble;
      start = await recover(session, options, trouble);
    }
  }
}

async function recover(
  session: Session,
  options: RecoveryOptions,
  trouble: Trouble,
): Promise<number> {
  const { blackBoxes, beginning, checkpoints, onGoneBack } = options;
  const { loweredRate, config: { train: { retries, lr } } } = session;
  const box = blackBoxes === null ? null : await writeBlackBox(session, trouble, blackBoxes);
  const words = box ? [trouble.message, box.finding].join("; ") : trouble.message;
  const times = loweredRate.times + 1;
  if (times > retries) {
    const tried = retries === 0 ? "" : ` after ${retries} times back with half the rate`;
    const look = box ? `, or look into ${box.folder}` : "";
    throw new Diverged(`${words}${tried}: lower train.lr, which is ${lr}${look}`);
  }
  const to = goBack(session, checkpoints, beginning, trouble.step, times);
  loweredRate.times = times;
  const { rate } = loweredRate;
  onGoneBack({ step: trouble.step, reason: words, to, rate, blackBox: box?.folder ?? null });
  return to;
}

/** Puts a moment before that update back: the `times`-th last checkpoint, or the beginning. */
function goBack(
  session: Session,
  folder: string,
  beginning: Readonly<Record<string, unknown>>,
  before: number,
  times: number,
): number {
  const { engine: { device, store }, optimizer, parts } = session;
  const { step, sections } = loadCheckpoint(store, folder, { before, skip: times - 1 });
  if (step === 0) {
    session.begin();
    for (const { name } of store.moments) clear(device, store.flat(name));
  }
  const kept = step === 0 ? beginning : sections;
  for (const part of parts) part.restore?.(kept[part.name]);
  dropCheckpointsAfter(folder, step);
  optimizer.resume();
  return step;
}
