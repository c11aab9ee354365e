/**
 * The loss of noise contrastive alignment, of two answers.
 *
 * @module
 */
import { logistic, softplus } from "../preference.ts";
import { ofRewards, type ReferenceLoss } from "./loss.ts";

/**
 * -log sigmoid(c) - (log sigmoid(-c) + log sigmoid(-r)) / 2 of the rewards c and r: the chosen answer's
 * own likelihood is held up, not its distance from the rejected one alone.
 *
 * Method: Chen et al. 2024, NCA (arXiv 2402.05369), its loss of pairs.
 */
export const nca: ReferenceLoss = {
  smoothing: "none",
  unit: "nats a preference",
  gradient: ofRewards((c, r) => [
    softplus(-c) + 0.5 * softplus(c) + 0.5 * softplus(r),
    0.5 * logistic(c) - logistic(-c),
    0.5 * logistic(r),
  ]),
};
