/**
 * Indices by a key, and texts that are the same, by sorting.
 *
 * @module
 */
import { hashText } from "../words.ts";
import type { List } from "./list.ts";
import { NumberPairs } from "./number_pairs.ts";

/**
 * Sorts pairs of a key and an index.
 *
 * @returns the indices of each key that several have, in rising order.
 */
export function* buckets(pairs: NumberPairs): Generator<Uint32Array> {
  pairs.sort();
  for (let begin = 0, end; begin < pairs.length; begin = end) {
    end = begin + 1;
    while (end < pairs.length && pairs.firstAt(end) === pairs.firstAt(begin)) end++;
    const length = end - begin;
    if (length > 1) yield Uint32Array.from({ length }, (_, i) => pairs.secondAt(begin + i));
  }
}

/** For each text the index of the first that is the same; equal hashes are verified on the texts. */
export function firstsOfSame(texts: List<string>): Uint32Array {
  const firsts = Uint32Array.from({ length: texts.length }, (_, i) => i);
  for (const bucket of buckets(hashed(texts))) {
    const known = new Map<string, number>();
    for (const i of bucket) firsts[i] = known.getOrInsert(texts.at(i)!, i);
  }
  return firsts;
}

/** Where a text is in a list. */
export class TextIndex {
  readonly #texts: List<string>;
  readonly #pairs: NumberPairs;

  /** Reads the texts once, and again those with the hash of one that is looked for. */
  constructor(texts: List<string>) {
    this.#texts = texts;
    this.#pairs = hashed(texts);
    this.#pairs.sort();
  }

  /** The least index of a text, undefined where it is not there. */
  find(text: string): number | undefined {
    const hash = hashText(text);
    let [low, high] = [0, this.#pairs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#pairs.firstAt(middle) < hash) low = middle + 1;
      else high = middle;
    }
    for (; low < this.#pairs.length && this.#pairs.firstAt(low) === hash; low++) {
      const index = this.#pairs.secondAt(low);
      if (this.#texts.at(index) === text) return index;
    }
    return undefined;
  }
}

function hashed(texts: List<string>): NumberPairs {
  const pairs = new NumberPairs(texts.length);
  for (const text of texts) pairs.put(hashText(text), pairs.length);
  return pairs;
}
