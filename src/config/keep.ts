/**
 * The part of the table that says which moment of a run is kept.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { count, name } from "./kinds.ts";

/** Keys of the section `train`. */
export const keep = {
  keep: z.enum(["last", "best"]).default("last")
    .describe("what is saved: the last moment, or the best by metric, eval_every steps apart"),
  patience: count.exactOptional().describe(
    "the run ends after so many measurements of metric without a better one; never when absent",
  ),
  min_delta: z.number().gte(0).lte(1e30).default(0)
    .describe("what a value must be better by than the best before it"),
  metric: name.default("eval_loss").describe(
    "what moments are compared by: eval_loss, task/NAME/METRIC, eval_reward_accuracy, ...",
  ),
};
