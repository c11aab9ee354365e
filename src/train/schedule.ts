/**
 * Learning rate schedules, as Hugging Face transformers defines them (`optimization.py`).
 *
 * @module
 */

import type { ScheduleConfig } from "../config/mod.ts";

/** A schedule over a known number of updates. */
export interface Schedule extends Pick<ScheduleConfig, "schedule" | "warmup">, Partial<Shape> {
  /** Number of updates. */
  readonly steps: number;
}

/** What schedules are set by beside the warm-up; without, it is as the configuration's defaults. */
type Shape = Omit<ScheduleConfig, "schedule" | "warmup">;

/** Updates after which an inverse root without a warm-up has fallen by its root, as transformers has it. */
const TIMESCALE = 10_000;

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
export function scheduleFactor(options: Schedule, step: number): number {
  const { schedule, steps, min_lr_ratio: least = 0 } = options;
  const warmup = stepsOf(options.warmup, steps);
  if (step < warmup) {
    const from = schedule === "warmup_stable_decay" ? least : 0;
    return from + (1 - from) * step / warmup;
  }
  return least + (1 - least) * fall(options, step, warmup);
}

/** A share of the steps, or a number of them: at most all but one where it is a share. */
function stepsOf(given: number, steps: number): number {
  const wanted = given < 1 ? Math.ceil(given * steps) : given;
  return given < 1 || steps === 1 ? Math.min(wanted, steps - 1) : wanted;
}

/** What is left, from 1 after the warm-up on. */
function fall(options: Schedule, step: number, warmup: number): number {
  const { schedule, steps, cycles = 1, power = 1, decay = 0.2 } = options;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  switch (schedule) {
    case "constant":
      return 1;
    case "linear":
      return 1 - progress;
    case "cosine":
      return cosine(progress);
    case "cosine_with_restarts":
      return progress >= 1 ? 0 : cosine(cycles * progress % 1);
    case "polynomial":
      return (1 - progress) ** power;
    case "inverse_sqrt": {
      const scale = warmup || TIMESCALE;
      return 1 / Math.sqrt((step - warmup + scale) / scale);
    }
    case "warmup_stable_decay": {
      const falling = stepsOf(decay, steps);
      return cosine(Math.min(1, Math.max(0, (step - steps + falling) / Math.max(1, falling))));
    }
  }
}

const cosine = (progress: number): number => (1 + Math.cos(Math.PI * progress)) / 2;
