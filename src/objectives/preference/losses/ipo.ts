/**
 * The loss of identity preference optimisation.
 *
 * @module
 */
import { logRatio, perToken } from "../preference.ts";
import type { ReferenceLoss } from "./loss.ts";

/**
 * (d - 1 / (2 beta))^2, where d is the log-ratio of the chosen answer less that of the rejected, each
 * a mean over its tokens: a fixed distance is aimed at, and more than that is not rewarded.
 *
 * Method: Azar et al. 2023 (arXiv 2310.12036), equation 17 with beta for tau. The mean over tokens is
 * not in the paper; TRL has it from its authors (dpo_trainer.py of 1.16).
 */
export const ipo: ReferenceLoss = {
  smoothing: "none",
  unit: "a preference",
  gradient({ chosen, rejected }, { beta }) {
    const d = perToken(logRatio(chosen), chosen) - perToken(logRatio(rejected), rejected);
    const off = d - 1 / (2 * beta);
    return {
      loss: off * off,
      dchosen: perToken(2 * off, chosen),
      drejected: perToken(-2 * off, rejected),
    };
  },
};
