/**
 * Learning rate schedules, as Hugging Face transformers defines them (`optimization.py`).
 *
 * @module
 */

import type { TrainConfig } from "../config/table.ts";

/** A schedule over a known number of updates. */
export interface Schedule {
  /** What follows the warm-up. */
  readonly schedule: TrainConfig["schedule"];
  /** Share of the steps if below 1, else a number of steps. */
  readonly warmup: number;
  /** Number of updates. */
  readonly steps: number;
}

/** The share of the peak learning rate that the schedule takes away after update `step`. */
export const remainingDecay = (schedule: Schedule, step: number): number =>
  Math.max(0, scheduleFactor(schedule, step) - scheduleFactor(schedule, schedule.steps));

/**
 * The factor on the peak learning rate at update `step`, counted from 0. With a warm-up the first
 * update has the factor 0. A share leaves at least one update at the peak, and of a single update
 * nothing is warm-up, where transformers would train nothing.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const schedule = { schedule: "linear", warmup: 2, steps: 6 } as const;
 * assert.deepEqual([0, 1, 2, 4].map((step) => scheduleFactor(schedule, step)), [0, 0.5, 1, 0.5]);
 * ```
 */
export function scheduleFactor({ schedule, warmup, steps }: Schedule, step: number): number {
  const wanted = warmup < 1 ? Math.ceil(warmup * steps) : warmup;
  const warmupSteps = warmup < 1 || steps === 1 ? Math.min(wanted, steps - 1) : wanted;
  if (step < warmupSteps) return step / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - warmupSteps));
  switch (schedule) {
    case "constant":
      return 1;
    case "linear":
      return 1 - progress;
    case "cosine":
      return (1 + Math.cos(Math.PI * progress)) / 2;
  }
}
