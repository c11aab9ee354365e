/**
 * The loss of exact optimisation, of two answers.
 *
 * @module
 */
import { dlogistic, logistic, softplus } from "../preference.ts";
import { ofMargin, type ReferenceLoss } from "./loss.ts";

/**
 * The reverse divergence KL(q || p) between what the model would prefer, q = (sigmoid(m),
 * sigmoid(-m)), and what was preferred, p = (1 - e, e).
 *
 * Method: Ji et al. 2024, EXO (arXiv 2402.00856), equation 16 for two answers.
 */
export const exo: ReferenceLoss = {
  smoothing: "above 0",
  unit: "nats a preference",
  gradient: ofMargin((m, e) => {
    const chosen = -softplus(-m) - Math.log1p(-e); // log q / p
    const rejected = -softplus(m) - Math.log(e);
    return [logistic(m) * chosen + logistic(-m) * rejected, dlogistic(m) * (chosen - rejected)];
  }),
};
