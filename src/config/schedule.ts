/**
 * The keys of the learning rate's schedule, as transformers has it.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { count, positive } from "./kinds.ts";

/** Schedules of the learning rate, the default first. */
const SCHEDULES = [
  "cosine",
  "linear",
  "constant",
  "cosine_with_restarts",
  "polynomial",
  "inverse_sqrt",
  "warmup_stable_decay",
] as const satisfies readonly ScheduleName[];

/** The name of a schedule. */
export type ScheduleName =
  | "cosine"
  | "linear"
  | "constant"
  | "cosine_with_restarts"
  | "polynomial"
  | "inverse_sqrt"
  | "warmup_stable_decay";

/** How the learning rate goes. */
export interface ScheduleConfig {
  /** Learning rate after the warm-up. */
  readonly schedule: ScheduleName;
  /** A share of the steps where below 1, else a number of steps. */
  readonly warmup: number;
  /** What is left of the peak at the end, a share. */
  readonly min_lr_ratio: number;
  /** Falls of `cosine_with_restarts`. */
  readonly cycles: number;
  /** Of `polynomial`: 1 falls in a straight line. */
  readonly power: number;
  /** Where `warmup_stable_decay` falls: a share of the steps where below 1, else a number of steps. */
  readonly decay: number;
}

/** The keys, of the section `train`. */
export const schedule = {
  schedule: z.enum(SCHEDULES).default(SCHEDULES[0]).describe("learning rate after the warm-up"),
  warmup: z.number().gte(0).default(0.03)
    .describe("a share of the steps where below 1, else a number of steps"),
  min_lr_ratio: z.number().gte(0).lt(1).default(0)
    .describe("what is left of the learning rate at the end, a share"),
  cycles: count.default(1).describe("falls of cosine_with_restarts"),
  power: positive.default(1).describe("of polynomial: 1 falls in a straight line"),
  decay: z.number().gt(0).default(0.2).describe(
    "where warmup_stable_decay falls: a share of the steps where below 1, else a number of steps",
  ),
};
