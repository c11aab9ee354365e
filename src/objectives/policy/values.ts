/**
 * Proximal policy optimisation with learned values: what an answer's tokens were better than was to be
 * expected, and what the policy and the values are to become.
 *
 * @module
 */
import type { PpoConfig } from "../settings.ts";
import { meanOf } from "./advantages.ts";
import { countedTokens, type MeasuredAnswer } from "./answer.ts";
import { clipped } from "./surrogate.ts";

/** Added to the variance of advantages, as TRL has it. */
const LEAST_VARIANCE = 1e-8;

/** An answer with what was to be expected before each of its tokens. */
export interface ValuedAnswer extends MeasuredAnswer {
  /** As it was drawn. */
  readonly expected: ArrayLike<number>; // [tokens]
  /** By the values as they are. */
  readonly values: ArrayLike<number>; // [tokens]
}

/** An update of policy and values. */
export interface ValuedUpdate {
  readonly loss: number;
  /** What of it is the values', weighed. */
  readonly value_loss: number;
  /** What the negative log-likelihood of each token counts, [tokens] of each answer. */
  readonly weights: readonly Float32Array[];
  /** What the value before each token counts. */
  readonly dvalues: readonly Float32Array[];
  readonly clip_share: number;
}

/** What came of the tokens of an answer, and how much better that was than expected. */
export interface Outcome {
  readonly returns: Float64Array; // [tokens]
  readonly advantages: Float64Array; // [tokens]
}

/**
 * Generalised advantage estimation (Schulman et al., 2016, arXiv 1506.02438) over rewards of tokens: of
 * each `beta` times what it was likelier than under the base is taken, and the last has the answer's
 * reward (InstructGPT, Ouyang et al., 2022, arXiv 2203.02155). A masked answer has none.
 */
function outcomeOf(
  answer: Omit<ValuedAnswer, "tuned" | "values">,
  { beta, gamma, gae_lambda: lambda }: Pick<PpoConfig, "beta" | "gamma" | "gae_lambda">,
): Outcome {
  const { drawn, base, expected, reward } = answer;
  const tokens = countedTokens(answer);
  const advantages = new Float64Array(drawn.length);
  let [ahead, next] = [0, 0];
  for (let t = tokens - 1; t >= 0; t--) {
    const own = (t === tokens - 1 ? reward : 0) - beta * (drawn[t]! - base[t]!);
    ahead = own + gamma * next - expected[t]! + gamma * lambda * ahead;
    [advantages[t], next] = [ahead, expected[t]!];
  }
  return { advantages, returns: advantages.map((advantage, t) => advantage + expected[t]!) };
}

/** Outcomes of answers whose advantages are put around 0 over all of them. */
export function outcomesOf(
  answers: readonly Omit<ValuedAnswer, "tuned" | "values">[],
  config: Pick<PpoConfig, "beta" | "gamma" | "gae_lambda">,
): Outcome[] {
  const own = answers.map((answer) => outcomeOf(answer, config));
  const advantages = whitened(own, answers.map(countedTokens));
  return own.map(({ returns }, i) => ({ returns, advantages: advantages[i]! }));
}

/** Advantages of all tokens that count, put around 0 in their deviations (Bessel's); one alone as it is. */
function whitened(all: readonly Outcome[], counted: readonly number[]): Float64Array[] {
  const values = all.flatMap(({ advantages }, i) => [...advantages.subarray(0, counted[i])]);
  if (values.length < 2) return all.map(({ advantages }) => advantages);
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (values.length - 1) + LEAST_VARIANCE);
  return all.map(({ advantages }) => advantages.map((value) => (value - mean) / deviation));
}

/**
 * The clipped surrogate and half the squared error of values, of which the larger counts: as they are, or
 * no further than `epsilon_value` from where they were (Schulman et al., 2017, arXiv 1707.06347, as TRL
 * 0.11's PPOTrainer has it). Both are means over tokens.
 */
export function valuedUpdate(
  answers: readonly ValuedAnswer[],
  config: Omit<PpoConfig, "kind">,
): ValuedUpdate {
  const { epsilon_value: bound, value_coef: coefficient } = config;
  const counted = answers.map(countedTokens);
  const share = 1 / Math.max(1, counted.reduce((sum, tokens) => sum + tokens, 0));
  const outcomes = outcomesOf(answers, config);
  let [policyLoss, valueLoss, clippings] = [0, 0, 0];
  const weights = answers.map(({ drawn }) => new Float32Array(drawn.length));
  const dvalues = answers.map(({ drawn }) => new Float32Array(drawn.length));
  for (const [i, { drawn, tuned, expected, values }] of answers.entries()) {
    for (let t = 0; t < counted[i]!; t++) {
      const policy = clipped(tuned[t]! - drawn[t]!, outcomes[i]!.advantages[t]!, config);
      policyLoss += share * policy.loss;
      weights[i]![t] = -share * policy.derivative;
      if (policy.isClipped) clippings++;
      const wanted = outcomes[i]!.returns[t]!;
      const value = valueError(values[t]!, { wanted, was: expected[t]!, bound });
      valueLoss += coefficient * share * value.loss;
      dvalues[i]![t] = coefficient * share * value.derivative;
    }
  }
  return {
    ...{ loss: policyLoss + valueLoss, value_loss: valueLoss, weights, dvalues },
    clip_share: clippings * share,
  };
}

/** Half the larger squared error of a value, and its derivative. */
function valueError(
  value: number,
  { wanted, was, bound }: { readonly wanted: number; readonly was: number; readonly bound: number },
) {
  const near = Math.min(Math.max(value, was - bound), was + bound);
  const [error, clippedError] = [value - wanted, near - wanted];
  if (error ** 2 >= clippedError ** 2) return { loss: error ** 2 / 2, derivative: error };
  return { loss: clippedError ** 2 / 2, derivative: near === value ? error : 0 };
}
