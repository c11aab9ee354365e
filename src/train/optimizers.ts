/**
 * The list of optimisers, by the names that `train.optimizer` has for them.
 *
 * @module
 */
import type { OptimizerConfig, OptimizerName } from "../config/mod.ts";
import { adafactor, adamw, adamw8bit, lion, muon, sgd, type UpdateRule } from "../ops/mod.ts";

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
