/**
 * The losses of anchored preference optimisation.
 *
 * @module
 */
import { dlogistic, logistic } from "../preference.ts";
import { ofRewards, type ReferenceLoss } from "./loss.ts";

/**
 * 1 - sigmoid(c) + sigmoid(r): the chosen answer is to become likelier and the rejected less likely,
 * for answers that are better than what the model says.
 *
 * Method: D'Oosterlinck et al. 2024, APO (arXiv 2408.06266), equation 7.
 */
export const apoZero: ReferenceLoss = {
  smoothing: "none",
  unit: "a preference",
  gradient: ofRewards((c, r) => [logistic(-c) + logistic(r), -dlogistic(c), dlogistic(r)]),
};

/**
 * sigmoid(c) + 1 - sigmoid(c - r): both are to become less likely, the rejected answer more so, for
 * answers that are worse than what the model says.
 *
 * Method: the same, equation 8.
 */
export const apoDown: ReferenceLoss = {
  smoothing: "none",
  unit: "a preference",
  gradient: ofRewards((c, r) => [
    logistic(c) + logistic(r - c),
    dlogistic(c) - dlogistic(c - r),
    dlogistic(c - r),
  ]),
};
