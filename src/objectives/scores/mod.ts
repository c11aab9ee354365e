/**
 * The losses of scores, in one list. A kind is a file and a line here.
 *
 * @module
 */
import type { ScoreConfig } from "../settings.ts";
import { classify } from "./classify.ts";
import type { ScoreLoss } from "./loss.ts";
import { reward } from "./reward.ts";

/** The loss of a configuration. */
export const lossOf = (config: ScoreConfig): ScoreLoss =>
  config.kind === "classify" ? classify(config) : reward(config);
