/**
 * The loss of binary classifier optimisation, of two answers.
 *
 * @module
 */
import { logistic, softplus } from "../preference.ts";
import { ofRewards, type ReferenceLoss } from "./loss.ts";

/**
 * -log sigmoid(c) - log sigmoid(-r): the reward tells a chosen answer from a rejected one, each for
 * itself.
 *
 * Method: Jung et al. 2024, BCO (arXiv 2404.04656), without its shift, as TRL has it for pairs.
 */
export const bco: ReferenceLoss = {
  smoothing: "none",
  unit: "nats a preference",
  gradient: ofRewards((c, r) => [softplus(-c) + softplus(r), -logistic(-c), logistic(r)]),
};
