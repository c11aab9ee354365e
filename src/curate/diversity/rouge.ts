/**
 * ROUGE-L: how much of two texts is the same words in the same order.
 *
 * @module
 */

/**
 * The F measure of the longest common subsequence of words (Lin 2004), without stemming, as
 * `rouge_scorer.RougeScorer(["rougeL"])` of google-research gives it: 0 of a text without words.
 */
export function rougeL(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return 0;
  return 2 * commonSubsequence(a, b) / (a.length + b.length);
}

/** How long the longest common subsequence is. */
function commonSubsequence(a: readonly string[], b: readonly string[]): number {
  const lengths = new Uint32Array(b.length + 1); // of a's words so far and the first j of b's
  for (const word of a) {
    let diagonal = 0;
    for (let j = 1; j <= b.length; j++) {
      const above = lengths[j]!;
      lengths[j] = word === b[j - 1] ? diagonal + 1 : Math.max(above, lengths[j - 1]!);
      diagonal = above;
    }
  }
  return lengths[b.length]!;
}

/** A text to be compared with many. */
export interface Bag {
  readonly words: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
}

/** Words with how often each occurs. */
export function bagOf(words: readonly string[]): Bag {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return { words, counts };
}

/** The largest ROUGE-L of a text with any of some others; `least` where none is above it. */
export function nearest(text: Bag, others: Iterable<Bag>, least = 0): number {
  let best = least;
  for (const other of others) {
    if (bound(text, other) > best) best = Math.max(best, rougeL(text.words, other.words));
  }
  return best;
}

/** What ROUGE-L cannot be above: common words, in whatever order. */
function bound(a: Bag, b: Bag): number {
  const [few, many] = a.words.length < b.words.length ? [a, b] : [b, a];
  const total = a.words.length + b.words.length;
  let shared = 0;
  for (const [word, count] of few.counts) shared += Math.min(count, many.counts.get(word) ?? 0);
  return total === 0 ? 0 : 2 * shared / total;
}
