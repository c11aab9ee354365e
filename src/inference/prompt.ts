/**
 * What a prompt must be.
 *
 * @module
 */

/** Limits of a prompt's ids. */
export interface PromptLimits {
  readonly vocabSize: number;
  /** Tokens that fit into the context. */
  readonly context: number;
  /** The most tokens that the prompt may have of it. */
  readonly most: number;
}

/** @throws {RangeError} where a prompt is empty, too long or holds an id that is none. */
export function checkPrompt(
  ids: readonly number[],
  { vocabSize, context, most }: PromptLimits,
): void {
  if (ids.length === 0) throw new RangeError("Found an empty prompt, wanted a token at least");
  if (ids.length > most) {
    throw new RangeError(
      `Found ${ids.length} tokens, wanted at most ${most} in a context of ${context}`,
    );
  }
  const odd = ids.find((id) => !(id >= 0 && id < vocabSize));
  if (odd === undefined) return;
  throw new RangeError(`Found token id ${odd}, wanted ids below the vocabulary of ${vocabSize}`);
}
