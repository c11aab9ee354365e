/**
 * What is done with the scores of the vocabulary beside sampling a token.
 *
 * @module
 */

/** What is added to scores before a token is drawn, as in OpenAI's API. */
export interface Adjustment {
  /** Taken from a token's score for each time that it was made. */
  readonly frequencyPenalty: number;
  /** Taken from the score of a token that was made at all. */
  readonly presencePenalty: number;
  /** Added to the scores of some ids. */
  readonly bias: ReadonlyMap<number, number>;
}

/** A token and its log-likelihood in nats. */
export interface Likelihood {
  readonly id: number;
  readonly logLikelihood: number;
}

/**
 * Scores with penalties and biases; the given ones where there are none.
 *
 * @param counts How often each id was made.
 */
export function adjust(
  scores: Float32Array,
  counts: ReadonlyMap<number, number>,
  { frequencyPenalty, presencePenalty, bias }: Adjustment,
): Float32Array {
  const penalises = (frequencyPenalty !== 0 || presencePenalty !== 0) && counts.size > 0;
  if (!penalises && bias.size === 0) return scores;
  const adjusted = scores.slice();
  for (const [id, count] of penalises ? counts : []) {
    adjusted[id]! -= count * frequencyPenalty + presencePenalty;
  }
  for (const [id, add] of bias) adjusted[id]! += add;
  return adjusted;
}

/** The log-likelihoods of one token and of the likeliest, by the model's own scores [vocabulary]. */
export function likelihoods(scores: Float32Array, id: number, count: number) {
  const top = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const sum = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
  const all = top + Math.log(sum);
  const likeliest: number[] = [];
  for (const [other, score] of scores.entries()) {
    if (likeliest.length === count && !(score > (scores[likeliest.at(-1)!] ?? Infinity))) continue;
    const at = likeliest.findIndex((known) => scores[known]! < score);
    likeliest.splice(at < 0 ? likeliest.length : at, 0, other);
    if (likeliest.length > count) likeliest.pop();
  }
  return {
    own: scores[id]! - all,
    likeliest: likeliest.map((id): Likelihood => ({ id, logLikelihood: scores[id]! - all })),
  };
}
