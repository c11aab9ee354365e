/**
 * Losses of single answers that are wanted or not, as `objective.loss` of `kto` names them.
 *
 * @module
 */
import { type Answer, dlogistic, logistic, logRatio } from "../preference/preference.ts";

/** The loss of an answer, and its derivative by the answer's tuned log-likelihood. */
export interface UnpairedGradient {
  readonly loss: number;
  readonly danswer: number;
}

/** A loss by its name. */
export interface UnpairedLoss {
  /** Whether it is measured from the divergence of the tuned model from its base. */
  readonly hasDivergence: boolean;
  /**
   * @param ratio log(tuned / reference) of the answer, in nats.
   * @param divergence in nats, 0 where the loss has none; no gradient flows into it.
   */
  gradient(
    ratio: number,
    isWanted: boolean,
    divergence: number,
    beta: number,
  ): UnpairedGradient;
}

/**
 * 1 - sigmoid(beta (r - z)) of an answer that is wanted, 1 - sigmoid(beta (z - r)) of one that is
 * not, where r is the log-ratio and z the divergence: what is gained or lost beside what the model
 * does anyhow.
 *
 * Method: Ethayarajh et al. 2024, KTO (arXiv 2402.01306), equation 8.
 */
const kto: UnpairedLoss = {
  hasDivergence: true,
  gradient(ratio, isWanted, divergence, beta) {
    const sign = isWanted ? 1 : -1;
    const value = sign * beta * (ratio - divergence);
    return { loss: logistic(-value), danswer: -sign * beta * dlogistic(value) };
  },
};

/**
 * 1 - sigmoid(beta r) of an answer that is wanted, sigmoid(beta r) of one that is not.
 *
 * Method: D'Oosterlinck et al. 2024, APO (arXiv 2408.06266), equation 7, of one answer a prompt as
 * TRL has it.
 */
const apoZero: UnpairedLoss = {
  hasDivergence: false,
  gradient: (ratio, isWanted, _divergence, beta) => kto.gradient(ratio, isWanted, 0, beta),
};

/** The name of a loss. */
export type UnpairedLossName = "kto" | "apo_zero_unpaired";

/** All losses by TRL's names, the default first. */
export const unpairedLosses: Readonly<Record<UnpairedLossName, UnpairedLoss>> = {
  kto,
  apo_zero_unpaired: apoZero,
};

/** All names, the default first. */
export const UNPAIRED_LOSSES = Object.keys(unpairedLosses) as UnpairedLossName[];

/** An answer, and whether it is wanted. */
export interface LabelledAnswer {
  readonly answer: Answer;
  readonly isWanted: boolean;
}

/**
 * The divergence of the tuned model from its base, from answers to other prompts: the mean of their
 * log-ratios, and no less than 0, as no divergence is.
 */
export function divergenceOf(mismatched: readonly Answer[]): number {
  if (mismatched.length === 0) return 0;
  const sum = mismatched.reduce((sum, answer) => sum + logRatio(answer), 0);
  return Math.max(0, sum / mismatched.length);
}
