/**
 * Contrastive preference optimisation.
 *
 * @module
 */
import type { CpoConfig } from "../../settings.ts";
import { type PreferenceLoss, smoothedSigmoid } from "../preference.ts";

/**
 * The sigmoid loss of m = beta (log-likelihood of the chosen answer - of the rejected), with no
 * reference, beside the negative log-likelihood of the chosen answers.
 *
 * Method: Xu et al. 2024, CPO (arXiv 2401.08417).
 */
export function cpo({ beta, label_smoothing: e, sft_weight }: CpoConfig): PreferenceLoss {
  return {
    unit: "nats a preference",
    hasReference: false,
    sftWeight: sft_weight,
    reward: ({ tuned }) => beta * tuned,
    gradient({ chosen, rejected }) {
      const [loss, dm] = smoothedSigmoid(beta * (chosen.tuned - rejected.tuned), e);
      return { loss, dchosen: beta * dm, drejected: -beta * dm };
    },
  };
}
