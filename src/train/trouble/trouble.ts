/**
 * Trouble: a number of a run that is NaN or infinite. The update that shows it is not made.
 *
 * @module
 */
import { GpuError } from "../../errors.ts";
import { readFloats } from "../../gpu/buffer.ts";
import type { Device } from "../../gpu/device.ts";
import type { Replay } from "../../objectives/objective.ts";
import type { Metrics } from "../../runs/events.ts";

/** A number of an update that is NaN or infinite. */
export class Trouble extends GpuError {
  /** Name of the class. */
  override name = "Trouble";

  /** What `found` is of that update: `gradient norm`. */
  constructor(
    readonly step: number,
    readonly found: string,
    readonly value: number,
    /** The last updates before it. */
    readonly updates: readonly Metrics[] = [],
  ) {
    super(`The ${found} of step ${step} is ${value}`);
  }
}

/**
 * Replays rows of the last update once more: what it has made of the model, nothing has looked at
 * yet. A sync point.
 *
 * @throws {Trouble} where a loss is no finite number.
 */
export async function refuseBroken(
  device: Device,
  { losses, run }: Pick<Replay, "losses" | "run">,
  { step, draw }: { readonly step: number; readonly draw: number },
): Promise<void> {
  run(draw);
  const sum = (await readFloats(device, losses)).reduce((sum, loss) => sum + loss, 0);
  if (!Number.isFinite(sum)) {
    throw new Trouble(step, "loss after the last update, before that", sum);
  }
}
