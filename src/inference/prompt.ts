/**
 * What a prompt must be.
 *
 * @module
 */

/** Limits of a prompt's ids. */
export interface PromptLimits {
  readonly vocabSize: number;
  /** How many virtual tokens it begins with. */
  readonly virtualTokens: number;
  /** Tokens that fit into the context. */
  readonly context: number;
  /** The most tokens that the prompt may have of it. */
  readonly most: number;
}

/** @throws {RangeError} where a prompt is empty, too long or holds an id that is none. */
export function checkPrompt(
  ids: readonly number[],
  { vocabSize, virtualTokens, context, most }: PromptLimits,
): void {
  const isPrepended = Array(virtualTokens).keys().every((i) => ids[i] === vocabSize + i);
  if (!isPrepended) {
    throw new RangeError(
      `Found a prompt without the ${virtualTokens} virtual tokens of the adapter in front of it`,
    );
  }
  if (ids.length === virtualTokens) {
    throw new RangeError("Found an empty prompt, wanted a token at least");
  }
  if (ids.length > most) {
    throw new RangeError(
      `Found ${ids.length} tokens, wanted at most ${most} in a context of ${context}`,
    );
  }
  const odd = ids.find((id, i) => i >= virtualTokens && !(id >= 0 && id < vocabSize));
  if (odd === undefined) return;
  throw new RangeError(`Found token id ${odd}, wanted ids below the vocabulary of ${vocabSize}`);
}
