/**
 * Near-duplicates: texts most of whose runs of words are the same.
 *
 * @module
 */
import { hash } from "../random.ts";
import { Bands } from "./lists/bands.ts";
import { firstsOfSame } from "./lists/buckets.ts";
import { type List, mapped } from "./lists/list.ts";
import { bandKeys, LSH_THRESHOLD, signature } from "./minhash.ts";
import { hashText, ngrams, words } from "./words.ts";

/** Settings of {@linkcode nearDuplicates}. */
export interface NearDuplicateOptions {
  /** The least Jaccard index of near-duplicates, above 0.7071 up to 1; 0.8 where absent. */
  readonly threshold?: number;
  /** Words of a shingle, 5 where absent. */
  readonly shingle?: number;
  /** What must hold of two texts beside, nothing where absent. */
  readonly also?: (i: number, j: number) => boolean;
}

/** The Jaccard index from which on texts are near-duplicates, where nothing else is said. */
export const NEAR_DUPLICATE = 0.8;

/**
 * Groups near-duplicates: texts whose sets of 5-word shingles have a Jaccard index of at least 0.8.
 * Likely pairs come from MinHash (128 hashes in 16 bands of 8), and each is verified on its shingles,
 * so no pair below the threshold is joined; of pairs at 0.8 about 95 % are found, at 0.9 99.99 %.
 * A group holds what is near to any of it, as in NearDup of Lee et al. 2022 (2107.06499). Case,
 * punctuation and white space do not count; texts without a word are alike only as they stand.
 *
 * Takes time in proportion to the words, memory of 26 bytes a text and 64 bytes of each on the disk;
 * texts are asked for again where pairs are verified.
 *
 * @returns for each text the index of the first of its group, which is its own where it is alone.
 * @throws {RangeError} for a threshold at which this finds less than half of the pairs.
 * @throws {FileError} where the disk is full.
 */
export function nearDuplicates(
  texts: List<string>,
  { threshold = NEAR_DUPLICATE, shingle = 5, also = () => true }: NearDuplicateOptions = {},
): Uint32Array {
  if (!(threshold > LSH_THRESHOLD && threshold <= 1)) {
    const wanted = `above ${LSH_THRESHOLD.toFixed(4)} up to 1`;
    throw new RangeError(`Found a threshold of ${threshold} for near-duplicates, wanted ${wanted}`);
  }
  const groups = new Groups(texts.length);
  const sames = firstsOfSame(mapped(texts, asWords));
  for (const [i, first] of sames.entries()) {
    if (first !== i && also(i, first)) groups.join(i, first);
  }
  using bands = new Bands();
  let i = 0;
  for (const text of texts) {
    const own = groups.first(i) === i ? words(text) : [];
    if (own.length > 0) bands.push(i, bandKeys(signature(shingleHashes(own, shingle))));
    i++;
  }
  const shingles = (i: number) => new Set(ngrams(words(texts.at(i)!), shingle));
  for (const [i, j] of bands.likelyPairs((i, j) => groups.first(i) === groups.first(j))) {
    if (also(i, j) && jaccard(shingles(i), shingles(j)) >= threshold) groups.join(i, j);
  }
  return groups.firsts();
}

/** |a and b| / |a or b|; 1 of two empty sets. */
export function jaccard(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): number {
  const shared = a.intersection(b).size;
  const all = a.size + b.size - shared;
  return all === 0 ? 1 : shared / all;
}

/** What two texts have in common that are the same but for case, punctuation and white space. */
function asWords(text: string): string {
  const own = words(text);
  return own.length === 0 ? `"${text}` : own.join(" ");
}

/** A hash of each run of n words, from a hash of each word. */
function shingleHashes(words: readonly string[], n: number): Uint32Array {
  const hashes = Uint32Array.from(words, (word) => hashText(word));
  const runs = new Uint32Array(Math.max(1, words.length - n + 1));
  for (let i = 0; i < runs.length; i++) runs[i] = hash(0, hashes.subarray(i, i + n));
  return runs;
}

/** Disjoint sets of indices, each known by its least one. */
class Groups {
  readonly #parents: Uint32Array;

  constructor(count: number) {
    this.#parents = Uint32Array.from({ length: count }, (_, i) => i);
  }

  first(i: number): number {
    let at = i;
    while (this.#parents[at] !== at) {
      at = this.#parents[at] = this.#parents[this.#parents[at]!]!; // halves the path
    }
    return at;
  }

  join(i: number, j: number): void {
    const [a, b] = [this.first(i), this.first(j)];
    this.#parents[Math.max(a, b)] = Math.min(a, b);
  }

  /** The first of each index's set. */
  firsts(): Uint32Array {
    return this.#parents.map((_, i) => this.first(i));
  }
}
