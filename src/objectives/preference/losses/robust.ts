/**
 * The loss of preferences of which a known share is the wrong way round.
 *
 * @module
 */
import { logistic, softplus } from "../preference.ts";
import { ofMargin, type ReferenceLoss } from "./loss.ts";

/**
 * (-(1 - e) log sigmoid(m) + e log sigmoid(-m)) / (1 - 2 e): where a share e of the preferences was
 * turned at random, its mean is that of the sigmoid loss on those that were not.
 *
 * Method: Chowdhury et al. 2024, robust DPO (arXiv 2403.00409).
 */
export const robust: ReferenceLoss = {
  smoothing: "above 0",
  unit: "nats a preference",
  gradient: ofMargin((m, e) => [
    ((1 - e) * softplus(-m) - e * softplus(m)) / (1 - 2 * e),
    (-(1 - e) * logistic(-m) - e * logistic(m)) / (1 - 2 * e),
  ]),
};
