/**
 * Answers that a model drew and what they were worth.
 *
 * @module
 */

/** An answer to a prompt; the answers to one prompt are a group. */
export interface SampledAnswer {
  /** The number of its group. */
  readonly group: number;
  /** What it is worth, the higher the better. */
  readonly reward: number;
  /** Of each token as it was drawn, the one that ended the answer too, in nats. */
  readonly drawn: ArrayLike<number>; // [tokens]
  /** Whether it counts nothing, since it was cut off. */
  readonly isMasked: boolean;
}

/** How likely the tokens of an answer are, in nats. */
export interface TokenLikelihoods {
  /** Under the model as it is. */
  readonly tuned: ArrayLike<number>; // [tokens]
  /** Under its base. */
  readonly base: ArrayLike<number>; // [tokens]
}

/** An answer with both. */
export interface MeasuredAnswer extends SampledAnswer, TokenLikelihoods {}

/** The tokens of an answer that count. */
export const countedTokens = ({ drawn, isMasked }: SampledAnswer): number =>
  isMasked ? 0 : drawn.length;

/** The answers of each group, by their numbers. */
export function groupsOf(answers: readonly SampledAnswer[]): number[][] {
  const groups = new Map<number, number[]>();
  for (const [i, { group }] of answers.entries()) {
    groups.getOrInsertComputed(group, () => []).push(i);
  }
  return [...groups.values()];
}

/** Whether all answers of a group are worth the same, so that it does not say which is better. */
export const isEven = (rewards: readonly number[]): boolean =>
  rewards.every((reward) => Math.abs(reward - rewards[0]!) <= 1e-8);
