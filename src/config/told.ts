/**
 * The part of the table that says who is told of a run.
 *
 * @module
 */
import { z } from "../deps/zod.ts";

/** Who is told of a run. */
export interface ToldConfig {
  /** Whether the run is a row of `runs.sqlite`, beside its folder. */
  readonly history: boolean;
  /** What else the run's numbers are written for. */
  readonly log: readonly "tensorboard"[];
  /** Where it is told how the run goes. */
  readonly webhook?: string;
}

/** Keys at the top. */
export const told = {
  history: z.boolean().default(true)
    .describe("whether the run is a row of runs.sqlite, beside its folder"),
  log: z.array(z.enum(["tensorboard"])).default([])
    .describe("what else its numbers are written for: tensorboard, in its folder"),
  webhook: z.url({ protocol: /^https?$/ }).exactOptional()
    .describe("address that is told by POST how the run goes: its beginning, measurements, end"),
};
