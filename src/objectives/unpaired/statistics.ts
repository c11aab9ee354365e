/**
 * What is said of labelled answers in the metrics of a run.
 *
 * @module
 */
import { logRatio } from "../preference/preference.ts";
import type { KtoConfig } from "../settings.ts";
import { type LabelledAnswer, type UnpairedGradient, unpairedLosses } from "./losses.ts";

/** Means over labelled answers; a field of answers that there are none of is absent. */
export interface UnpairedStatistics {
  readonly loss: number;
  /** Nats by which the tuned model diverges from its base, where the loss is measured from it. */
  readonly kl?: number;
  readonly rewards_chosen?: number;
  readonly rewards_rejected?: number;
  readonly reward_margin?: number;
}

/** The loss of an answer, as it is weighed. */
export function weighedLoss(
  { answer, isWanted }: LabelledAnswer,
  divergence: number,
  { beta, loss, desirable_weight, undesirable_weight }: KtoConfig,
): UnpairedGradient {
  const weight = isWanted ? desirable_weight : undesirable_weight;
  const found = unpairedLosses[loss].gradient(logRatio(answer), isWanted, divergence, beta);
  return { loss: weight * found.loss, danswer: weight * found.danswer };
}

/** The means over some answers. */
export function unpairedStatistics(
  answers: readonly LabelledAnswer[],
  divergence: number,
  config: KtoConfig,
): UnpairedStatistics {
  const loss = mean(answers.map((answer) => weighedLoss(answer, divergence, config).loss));
  const rewards = (wanted: boolean) =>
    answers.filter(({ isWanted }) => isWanted === wanted)
      .map(({ answer }) => config.beta * logRatio(answer));
  const [chosen, rejected] = [rewards(true), rewards(false)];
  return {
    loss,
    ...(unpairedLosses[config.loss].hasDivergence && { kl: divergence }),
    ...(chosen.length > 0 && { rewards_chosen: mean(chosen) }),
    ...(rejected.length > 0 && { rewards_rejected: mean(rejected) }),
    ...(chosen.length > 0 && rejected.length > 0 && {
      reward_margin: mean(chosen) - mean(rejected),
    }),
  };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
