/**
 * The list of optimisers, by the names that `train.optimizer` has for them.
 *
 * @module
 */
import type { OptimizerConfig, OptimizerName, SizedTrain } from "../config/mod.ts";
import type { Value } from "../graph/graph.ts";
import { type Moment, placesOf, trainedBytes } from "../graph/store.ts";
import { adafactor, adamw, adamw8bit, lion, muon, sgd, type UpdateRule } from "../ops/mod.ts";
import { groupsOf } from "./groups.ts";
import { outerMoments } from "./updates/local.ts";

const RULES: Readonly<Record<OptimizerName, (settings: OptimizerConfig) => UpdateRule>> = {
  adafactor: ({ eps: epsilon, clip }) => adafactor({ epsilon, clip }),
  adamw: ({ eps: epsilon, ...settings }) => adamw({ ...settings, epsilon }),
  adamw_8bit: ({ eps: epsilon, ...settings }) => adamw8bit({ ...settings, epsilon }),
  lion,
  muon,
  sgd,
};

/** The optimiser of a configuration. */
export const ruleOf = (settings: OptimizerConfig): UpdateRule =>
  RULES[settings.optimizer](settings);

/** What a run keeps from update to update of its params, beside them. */
export function momentsOf(
  train: SizedTrain,
  params: readonly Value[],
): Moment[] {
  const rule = ruleOf(train);
  const inner = rule.moments(groupsOf(placesOf(params), train, rule.goesBy));
  return [...inner, ...outerMoments(train, inner, trainedBytes(params) / 4)];
}
