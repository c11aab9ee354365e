/**
 * How much better an answer is than was to be expected.
 *
 * @module
 */
import { countedTokens, groupsOf, type MeasuredAnswer } from "./answer.ts";

/** What differences of rewards are divided by: the deviation within a group, of all, or nothing. */
export type RewardScale = "group" | "batch" | "none";
/** All of those. */
export const REWARD_SCALES: readonly RewardScale[] = ["group", "batch", "none"];

/** Added to deviations, as TRL has it. */
const LEAST_DEVIATION = 1e-4;

/** Below it a variance of returns is taken to be it, as OpenRLHF has it. */
const LEAST_VARIANCE = 1e-8;

/** Advantages of each answer's tokens, [tokens] each. */
export type Advantages = readonly Float64Array[];

/**
 * GRPO (Shao et al., 2024, arXiv 2402.03300): the reward over the group's mean, in deviations of the
 * group; Dr. GRPO (Liu et al., 2025, arXiv 2503.20783) leaves those away.
 */
export function groupAdvantages(
  answers: readonly MeasuredAnswer[],
  scale: RewardScale,
): Advantages {
  const rewards = answers.map(({ reward }) => reward);
  const values = new Float64Array(answers.length);
  for (const group of groupsOf(answers)) {
    const own = group.map((i) => rewards[i]!);
    const deviation = deviationOf(scale === "batch" ? rewards : own) + LEAST_DEVIATION;
    const mean = meanOf(own);
    for (const i of group) {
      values[i] = (rewards[i]! - mean) / (scale === "none" ? 1 : deviation);
    }
  }
  return alike(answers, values);
}

/**
 * RLOO (Ahmadian et al., 2024, arXiv 2402.14740): the reward over the mean of the group's others, where
 * `beta` nats of what an answer drawn is likelier than under the base cost as much as a reward of 1.
 *
 * @param isNormalised whether advantages are put around 0 in deviations of all.
 */
export function leaveOneOut(
  answers: readonly MeasuredAnswer[],
  { beta, isNormalised }: { readonly beta: number; readonly isNormalised: boolean },
): Advantages {
  const rewards = answers.map((answer) => answer.reward - beta * divergenceOf(answer));
  const values = new Float64Array(answers.length);
  for (const group of groupsOf(answers)) {
    const sum = group.reduce((sum, i) => sum + rewards[i]!, 0);
    for (const i of group) values[i] = rewards[i]! - (sum - rewards[i]!) / (group.length - 1);
  }
  if (!isNormalised) return alike(answers, values);
  const [mean, deviation] = [meanOf([...values]), deviationOf([...values])];
  return alike(answers, values.map((value) => (value - mean) / (deviation + LEAST_DEVIATION)));
}

/**
 * REINFORCE++ (Hu et al., 2025, arXiv 2501.03262): of each token what is still to come, which is the
 * reward less `beta` times the divergence of the tokens from it on, put around 0 in deviations of all
 * tokens.
 */
export function tokenAdvantages(answers: readonly MeasuredAnswer[], beta: number): Advantages {
  const returns = answers.map(({ reward, drawn, base }) => {
    const found = new Float64Array(drawn.length);
    for (let t = drawn.length - 1, left = reward; t >= 0; t--) {
      found[t] = left -= beta * (drawn[t]! - base[t]!);
    }
    return found;
  });
  const counted = answers.flatMap((answer, i) => answer.isMasked ? [] : [...returns[i]!]);
  if (counted.length === 0) return returns;
  const mean = meanOf(counted);
  const variance = meanOf(counted.map((value) => (value - mean) ** 2));
  const deviation = Math.sqrt(Math.max(variance, LEAST_VARIANCE));
  return returns.map((values) => values.map((value) => (value - mean) / deviation));
}

/** How much likelier an answer was drawn than its base would have drawn it, in nats. */
function divergenceOf(answer: MeasuredAnswer): number {
  const { drawn, base } = answer;
  let sum = 0;
  for (let t = 0; t < countedTokens(answer); t++) sum += drawn[t]! - base[t]!;
  return sum;
}

/** The same for all tokens of an answer. */
const alike = (answers: readonly MeasuredAnswer[], values: ArrayLike<number>): Advantages =>
  answers.map(({ drawn }, i) => new Float64Array(drawn.length).fill(values[i]!));

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The standard deviation of a sample (Bessel's), 0 of one. */
export function deviationOf(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
