/**
 * Near-duplicates: texts most of whose runs of words are the same.
 *
 * @module
 */
import { hash } from "../../random.ts";
import { bandKeys, BANDS, LSH_THRESHOLD, signature } from "./minhash.ts";
import { words } from "./words.ts";

/** Settings of {@linkcode nearDuplicates}. */
export interface NearDuplicateOptions {
  /** The least Jaccard index of near-duplicates, above 0.7071 up to 1; 0.8 where absent. */
  readonly threshold?: number;
  /** Words of a shingle, 5 where absent. */
  readonly shingle?: number;
  /** What must hold of two texts beside, nothing where absent. */
  readonly also?: (i: number, j: number) => boolean;
}

/** A bucket keeps this many of a group, so that time does not grow with the square of its size. */
const MATES = 16;

/** The Jaccard index from which on texts are near-duplicates, where nothing else is said. */
export const NEAR_DUPLICATE = 0.8;

/**
 * Groups near-duplicates: texts whose sets of 5-word shingles have a Jaccard index of at least 0.8.
 * Likely pairs come from MinHash (128 hashes in 16 bands of 8), and each is verified on its shingles,
 * so no pair below the threshold is joined; of pairs at 0.8 about 95 % are found, at 0.9 99.99 %.
 * A group holds what is near to any of it, as in NearDup of Lee et al. 2022 (2107.06499). Case,
 * punctuation and white space do not count; texts without a word are alike only as they stand.
 *
 * Takes time in proportion to the words, and memory of some bytes a word.
 *
 * @returns for each text the index of the first of its group, which is its own where it is alone.
 * @throws {RangeError} for a threshold at which this finds less than half of the pairs.
 */
export function nearDuplicates(
  texts: readonly string[],
  { threshold = NEAR_DUPLICATE, shingle = 5, also = () => true }: NearDuplicateOptions = {},
): number[] {
  if (!(threshold > LSH_THRESHOLD && threshold <= 1)) {
    const wanted = `above ${LSH_THRESHOLD.toFixed(4)} up to 1`;
    throw new RangeError(`Found a threshold of ${threshold} for near-duplicates, wanted ${wanted}`);
  }
  const { documents, hashes } = numberWords(texts);
  const groups = new Groups(texts.length);
  const wholes = new Map<string, number>();
  const bands = Array.from({ length: BANDS }, () => new Map<number, number[]>());
  for (const [i, document] of documents.entries()) {
    const whole = document.length === 0 ? `"${texts[i]}` : document.join();
    const twin = wholes.get(whole);
    if (twin !== undefined && also(i, twin)) {
      groups.join(i, twin);
      continue;
    }
    if (twin === undefined) wholes.set(whole, i);
    if (document.length === 0) continue;
    const elements = new Set(runs(document, shingle, (run) => hash(0, run.map((w) => hashes[w]!))));
    const own = shinglesOf(document, shingle);
    const keys = bandKeys(signature(elements));
    for (const j of new Set(keys.flatMap((key, band) => bands[band]!.get(key) ?? []))) {
      if (groups.first(i) === groups.first(j)) continue;
      const index = jaccard(own, shinglesOf(documents[j]!, shingle));
      if (index >= threshold && also(i, j)) groups.join(i, j);
    }
    const isMate = (j: number) => groups.first(j) === groups.first(i);
    for (const [band, key] of keys.entries()) {
      const bucket = bands[band]!.getOrInsertComputed(key, () => []);
      if (bucket.filter(isMate).length < MATES) bucket.push(i);
    }
  }
  return texts.map((_, i) => groups.first(i));
}

/** |a and b| / |a or b|; 1 of two empty sets. */
export function jaccard(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): number {
  const shared = a.intersection(b).size;
  const all = a.size + b.size - shared;
  return all === 0 ? 1 : shared / all;
}

/** Texts as numbers of their words, and a hash of each word, which does not depend on the texts. */
function numberWords(texts: readonly string[]) {
  const numbers = new Map<string, number>();
  const hashes: number[] = [];
  const numberOf = (word: string) => {
    const known = numbers.get(word);
    if (known !== undefined) return known;
    numbers.set(word, hashes.length);
    return hashes.push(hash(0, Uint16Array.from(word, (c) => c.charCodeAt(0)))) - 1;
  };
  return { documents: texts.map((text) => Uint32Array.from(words(text), numberOf)), hashes };
}

const shinglesOf = (document: Uint32Array, shingle: number): Set<string> =>
  new Set(runs(document, shingle, (run) => run.join()));

/** Something of each run of n words; of the one run there is where there are fewer words. */
function runs<T>(document: Uint32Array, n: number, of: (run: Uint32Array) => T): T[] {
  const count = Math.max(1, document.length - n + 1);
  return Array.from({ length: count }, (_, i) => of(document.subarray(i, i + n)));
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
}
