/**
 * MinHash: sets as a few numbers whose agreement estimates the Jaccard index of the sets (Broder
 * 1997), and bands of them that find likely pairs without comparing all (LSH; Leskovec, Rajaraman
 * and Ullman, Mining of Massive Datasets, 3.4).
 *
 * @module
 */
import { hash } from "../random.ts";

/** Bands of a signature, and hashes in each. */
export const BANDS = 16;
/** Hashes of a band. */
export const ROWS = 8;
/** Hashes of a signature. */
export const SIGNATURE: number = BANDS * ROWS;

/** Sets with a Jaccard index of j share a band with the chance of 1 - (1 - j^r)^b: half near this. */
export const LSH_THRESHOLD: number = (1 / BANDS) ** (1 / ROWS);

const SEEDS = Uint32Array.from({ length: SIGNATURE }, (_, i) => hash(1, [i]));
const FACTORS = Uint32Array.from({ length: SIGNATURE }, (_, i) => hash(2, [i]) | 1);

/** The smallest of the set's elements under each hash; elements are hashes themselves. */
export function signature(elements: Iterable<number>): Uint32Array {
  const least = new Uint32Array(SIGNATURE).fill(0xffffffff);
  for (const element of elements) {
    for (let i = 0; i < SIGNATURE; i++) {
      let h = Math.imul(element ^ SEEDS[i]!, 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 15), FACTORS[i]!);
      h = (h ^ (h >>> 16)) >>> 0;
      if (h < least[i]!) least[i] = h;
    }
  }
  return least;
}

/** A key for each band of a signature; two sets with a key in common are a likely pair. */
export function bandKeys(signature: Uint32Array): Uint32Array {
  return Uint32Array.from(
    { length: BANDS },
    (_, band) => hash(band, signature.subarray(band * ROWS, (band + 1) * ROWS)),
  );
}
