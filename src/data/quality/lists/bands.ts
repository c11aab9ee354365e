/**
 * Likely pairs of texts by the bands of their MinHash signatures, with the keys on the disk.
 *
 * @module
 */
import { Spool } from "../../../io/spool.ts";
import { Numbers } from "../../order/numbers.ts";
import { BANDS } from "../minhash.ts";
import { buckets } from "./buckets.ts";
import { Pairs } from "./pairs.ts";

/** A bucket keeps this many of a group, so that time does not grow with the square of its size. */
const MATES = 16;

const ROW_BYTES = 4 * BANDS;
/** Rows of keys that are read at once. */
const BLOCK = 1 << 12;

/** The keys of texts, gone with it: 64 bytes of each on the disk, 14 in memory while pairs are found. */
export class Bands implements Disposable {
  readonly #keys = new Spool("keys"); // [texts, BANDS]
  readonly #texts = new Numbers(Uint32Array);

  /** Adds a text by its number, which is above those before it, and its key in each band. */
  push(text: number, keys: Uint32Array): void {
    this.#keys.write(new Uint8Array(keys.buffer, keys.byteOffset, keys.byteLength));
    this.#texts.push(text);
  }

  /**
   * Pairs i > j of texts with a key in common, each once, but for those that are of one group by
   * then: a pair may be joined before the next is asked for.
   */
  *likelyPairs(areJoined: (i: number, j: number) => boolean): Generator<[i: number, j: number]> {
    const count = this.#texts.length;
    const kept = new Uint16Array(count); // a bit for each band in whose bucket the text was kept
    const isJoined = (a: number, b: number) => areJoined(this.#texts.at(a), this.#texts.at(b));
    const pairs = new Pairs(count);
    for (let band = 0; band < BANDS; band++) {
      pairs.clear();
      for (const key of this.#column(band)) pairs.put(key, pairs.length);
      for (const bucket of buckets(pairs)) {
        const own: number[] = [];
        for (const a of bucket) {
          for (const b of own) {
            if (isJoined(a, b) || this.#haveMet(a, b, band, kept[b]!)) continue;
            yield [this.#texts.at(a), this.#texts.at(b)];
          }
          if (own.filter((b) => isJoined(a, b)).length >= MATES) continue;
          own.push(a);
          kept[a]! |= 1 << band;
        }
      }
    }
  }

  /** Removes the keys. */
  [Symbol.dispose](): void {
    this.#keys[Symbol.dispose]();
  }

  /** Whether a bucket of an earlier band that kept b has brought them together. */
  #haveMet(a: number, b: number, band: number, kept: number): boolean {
    const [of, other] = [this.#rows(a, 1), this.#rows(b, 1)];
    return of.subarray(0, band).some((key, i) => key === other[i] && (kept >> i & 1) === 1);
  }

  *#column(band: number): Generator<number> {
    for (let begin = 0; begin < this.#texts.length; begin += BLOCK) {
      const block = this.#rows(begin, Math.min(BLOCK, this.#texts.length - begin));
      for (let at = band; at < block.length; at += BANDS) yield block[at]!;
    }
  }

  #rows(begin: number, count: number): Uint32Array {
    const bytes = new Uint8Array(count * ROW_BYTES);
    return new Uint32Array(this.#keys.read(begin * ROW_BYTES, bytes).buffer);
  }
}
