/**
 * What an update makes of answers: how each of their tokens counts.
 *
 * @module
 */
import type { GrpoConfig, PolicyConfig, ReinforceConfig, RlooConfig } from "../settings.ts";
import {
  type Advantages,
  groupAdvantages,
  leaveOneOut,
  meanOf,
  tokenAdvantages,
} from "./advantages.ts";
import { countedTokens, type MeasuredAnswer } from "./answer.ts";
import { clipped, type Clipping, divergence, tokenDivergence } from "./surrogate.ts";

/** Whose mean a loss of GRPO is over; dr_grpo's answers all count as the longest that may be drawn. */
export type GrpoLoss = "grpo" | "dr_grpo" | "dapo";
/** All of those, the default first. */
export const GRPO_LOSSES: readonly GrpoLoss[] = ["grpo", "dr_grpo", "dapo"];

/** Whose ratio to the model that drew it is: a token's, or the mean of an answer's in nats (GSPO). */
export type RatioLevel = "token" | "sequence";
/** Both, the default first. */
export const RATIO_LEVELS: readonly RatioLevel[] = ["token", "sequence"];

/** An update on some answers. */
export interface PolicyUpdate {
  readonly loss: number;
  /** What the negative log-likelihood of each token counts, [tokens] of each answer. */
  readonly weights: readonly Float32Array[];
  /** The mean divergence of a token from the base, in nats. */
  readonly kl: number;
  /** The share of ratios that gain nothing more. */
  readonly clip_share: number;
}

/** The update that an objective makes of answers. */
export function policyUpdate(
  answers: readonly MeasuredAnswer[],
  config: PolicyConfig,
): PolicyUpdate {
  const found = updateBy(answers, config);
  return { ...found, kl: meanDivergence(answers) };
}

type Found = Omit<PolicyUpdate, "kl">;

function updateBy(answers: readonly MeasuredAnswer[], config: PolicyConfig): Found {
  switch (config.kind) {
    case "grpo":
      return byGroups(answers, config);
    case "rloo":
      return byAnswers(answers, config);
    case "reinforce++":
      return byReturns(answers, config);
  }
}

function byGroups(answers: readonly MeasuredAnswer[], config: GrpoConfig): Found {
  const { loss, scale_rewards: scale, beta, unbiased_kl, max_tokens: most } = config;
  const all = answers.reduce((sum, answer) => sum + countedTokens(answer), 0);
  const shareOf: Record<GrpoLoss, (answer: MeasuredAnswer) => number> = {
    grpo: (answer) => 1 / (answers.length * countedTokens(answer)),
    dr_grpo: () => 1 / (answers.length * most),
    dapo: () => 1 / all,
  };
  return byTokens(answers, groupAdvantages(answers, scale), {
    ...{ clipping: config, beta, isWeighed: unbiased_kl, shareOf: shareOf[loss] },
    level: config.importance_sampling_level,
  });
}

function byReturns(answers: readonly MeasuredAnswer[], config: ReinforceConfig): Found {
  const all = answers.reduce((sum, answer) => sum + countedTokens(answer), 0);
  return byTokens(answers, tokenAdvantages(answers, config.beta), {
    ...{ clipping: config, beta: 0, isWeighed: false, shareOf: () => 1 / all, level: "token" },
  });
}

/** How tokens are put together. */
interface TokenLoss {
  readonly clipping: Clipping;
  /** What the divergence counts. */
  readonly beta: number;
  /** Whether it is weighed by the ratio. */
  readonly isWeighed: boolean;
  /** What the loss of each token of an answer counts. */
  readonly shareOf: (answer: MeasuredAnswer) => number;
  readonly level: RatioLevel;
}

/** A ratio, and what its tokens are from the base on average. */
interface Ratio {
  readonly logRatio: number;
  readonly mean: number;
}

/** The ratio of each token that counts: its own, or that of its answer (GSPO, arXiv 2507.18071). */
function ratiosOf(answer: MeasuredAnswer, level: RatioLevel): Ratio[] {
  const { drawn, tuned, base } = answer;
  const own = Array.from({ length: countedTokens(answer) }, (_, t): Ratio => ({
    logRatio: tuned[t]! - drawn[t]!,
    mean: tokenDivergence(tuned[t]!, base[t]!),
  }));
  if (level === "token") return own;
  const meanOver = (of: keyof Ratio) => meanOf(own.map((ratio) => ratio[of]));
  const shared = { logRatio: meanOver("logRatio"), mean: meanOver("mean") };
  return own.map(() => shared);
}

/**
 * Each token has a ratio of its own, or its answer's: that of n tokens moves a loss n times, each time by
 * one nth of what each of them moves it by.
 */
function byTokens(
  answers: readonly MeasuredAnswer[],
  advantages: Advantages,
  { clipping, beta, isWeighed, shareOf, level }: TokenLoss,
): Found {
  let [loss, ratios, clippings] = [0, 0, 0];
  const weights = answers.map((answer, i) => {
    const { drawn, tuned, base } = answer;
    const share = shareOf(answer);
    const weight = new Float32Array(drawn.length);
    let own = 0;
    const found = ratiosOf(answer, level);
    for (const [t, ratio] of found.entries()) {
      const policy = clipped(ratio.logRatio, advantages[i]![t]!, clipping);
      const apart = divergence({ tuned: tuned[t]!, base: base[t]! }, isWeighed ? ratio : null);
      loss += share * (policy.loss + beta * apart.loss);
      weight[t] = -share * (policy.derivative + beta * apart.derivative);
      if (policy.isClipped) own++;
    }
    const isOne = level === "sequence";
    clippings += isOne ? Math.min(1, own) : own;
    ratios += isOne ? 1 : found.length;
    return weight;
  });
  return { loss, weights, clip_share: clippings / Math.max(1, ratios) };
}

/** Each answer has one ratio, and they count alike. */
function byAnswers(answers: readonly MeasuredAnswer[], config: RlooConfig): Found {
  const { beta, normalise_advantages: isNormalised } = config;
  const advantages = leaveOneOut(answers, { beta, isNormalised });
  let [loss, clippings] = [0, 0];
  const weights = answers.map((answer, i) => {
    const { drawn, tuned } = answer;
    const tokens = countedTokens(answer);
    let logRatio = 0;
    for (let t = 0; t < tokens; t++) logRatio += tuned[t]! - drawn[t]!;
    const policy = clipped(logRatio, advantages[i]![0]!, config);
    loss += policy.loss / answers.length;
    if (policy.isClipped) clippings++;
    return new Float32Array(drawn.length).fill(-policy.derivative / answers.length, 0, tokens);
  });
  return { loss, weights, clip_share: clippings / answers.length };
}

/** Over all tokens, those of masked answers too. */
export function meanDivergence(answers: readonly MeasuredAnswer[]): number {
  let [sum, tokens] = [0, 0];
  for (const { tuned, base } of answers) {
    for (let t = 0; t < tuned.length; t++) sum += tokenDivergence(tuned[t]!, base[t]!);
    tokens += tuned.length;
  }
  return sum / tokens;
}
