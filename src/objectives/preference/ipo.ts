/**
 * The loss of identity preference optimisation.
 *
 * @module
 */
import { type Answer, logRatio, type PreferenceLoss } from "./preference.ts";

/** An answer of one token counts as one, and so does one of none. */
const meanRatio = (answer: Answer): number => logRatio(answer) / Math.max(1, answer.tokens);

/**
 * (d - 1 / (2 beta))^2, where d is the log-ratio of the chosen answer less that of the rejected, each
 * a mean over its tokens: a fixed distance is aimed at, and more than that is not rewarded.
 *
 * Method: Azar et al. 2023 (arXiv 2310.12036), equation 17 with beta for tau. The mean over tokens is
 * not in the paper; TRL has it from its authors (dpo_trainer.py of 1.16).
 */
export const ipo: PreferenceLoss = {
  smooths: false,
  gradient({ chosen, rejected }, { beta }) {
    const off = meanRatio(chosen) - meanRatio(rejected) - 1 / (2 * beta);
    return {
      loss: off * off,
      dchosen: 2 * off / Math.max(1, chosen.tokens),
      drejected: -2 * off / Math.max(1, rejected.tokens),
    };
  },
};
