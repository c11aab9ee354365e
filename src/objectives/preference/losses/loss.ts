/**
 * Losses that compare the tuned model with its base, as `objective.loss` of `dpo` names them.
 *
 * @module
 */
import { logRatio, type Preference, type PreferenceGradient } from "../preference.ts";

/** What such losses are set by. */
export interface ReferenceSettings {
  /** How much the distance from the reference costs. */
  readonly beta: number;
  /** The share of preferences that are taken to be the wrong way round, below 1/2. */
  readonly label_smoothing: number;
}

/** A loss by its name. */
export interface ReferenceLoss {
  /** What `label_smoothing` is to it: nothing, a choice, or something that must be above 0. */
  readonly smoothing: "none" | "any" | "above 0";
  readonly unit: string;
  gradient(preference: Preference, settings: ReferenceSettings): PreferenceGradient;
}

/** A loss of the margin m = beta (log-ratio of the chosen answer - of the rejected). */
export function ofMargin(
  loss: (m: number, label_smoothing: number) => readonly [loss: number, dm: number],
): ReferenceLoss["gradient"] {
  return ({ chosen, rejected }, { beta, label_smoothing }) => {
    const [value, dm] = loss(beta * (logRatio(chosen) - logRatio(rejected)), label_smoothing);
    return { loss: value, dchosen: beta * dm, drejected: -beta * dm };
  };
}

/** A loss of the rewards c and r, beta times the log-ratios of the chosen and the rejected answer. */
export function ofRewards(
  loss: (c: number, r: number, beta: number) => readonly [loss: number, dc: number, dr: number],
): ReferenceLoss["gradient"] {
  return ({ chosen, rejected }, { beta }) => {
    const [value, dc, dr] = loss(beta * logRatio(chosen), beta * logRatio(rejected), beta);
    return { loss: value, dchosen: beta * dc, drejected: beta * dr };
  };
}
