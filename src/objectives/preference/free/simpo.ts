/**
 * Simple preference optimisation.
 *
 * @module
 */
import type { SimpoConfig } from "../../settings.ts";
import { perToken, type PreferenceLoss, smoothedSigmoid } from "../preference.ts";

/**
 * The sigmoid loss of m = beta (mean log-likelihood of a token of the chosen answer - of the
 * rejected) - gamma: the reward is what generation goes by, and gamma the margin that is wanted.
 *
 * Method: Meng et al. 2024, SimPO (arXiv 2405.14734), equation 6; with `sft_weight` CPO-SimPO.
 */
export function simpo(
  { beta, gamma, label_smoothing: e, sft_weight }: SimpoConfig,
): PreferenceLoss {
  return {
    unit: "nats a preference",
    hasReference: false,
    sftWeight: sft_weight,
    reward: (answer) => beta * perToken(answer.tuned, answer),
    gradient({ chosen, rejected }) {
      const difference = perToken(chosen.tuned, chosen) - perToken(rejected.tuned, rejected);
      const [loss, dm] = smoothedSigmoid(beta * difference - gamma, e);
      return {
        loss,
        dchosen: perToken(beta * dm, chosen),
        drejected: perToken(-beta * dm, rejected),
      };
    },
  };
}
