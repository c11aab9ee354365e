/**
 * The loss of self-play preference optimisation, with certain preferences.
 *
 * @module
 */
import { ofRewards, type ReferenceLoss } from "./loss.ts";

/**
 * (c / beta - 1 / (2 beta))^2 + (r / beta + 1 / (2 beta))^2: the log-ratios aim at half of 1 / beta
 * up and down.
 *
 * Method: Wu et al. 2024, SPPO (arXiv 2405.00675), equation 4.7 with a chosen answer that wins always.
 */
export const sppo: ReferenceLoss = {
  smoothing: "none",
  unit: "a preference",
  gradient: ofRewards((c, r, beta) => {
    const [up, down] = [(c - 0.5) / beta, (r + 0.5) / beta];
    return [up * up + down * down, 2 * up / beta, 2 * down / beta];
  }),
};
