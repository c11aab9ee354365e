/**
 * Likely pairs of texts by the bands of their MinHash signatures, with the keys on the disk.
 *
 * @module
 */
import { TempFile } from "../../io/temp_file.ts";
import { GrowableArray } from "../../io/store/growable_array.ts";
import { BANDS } from "../minhash.ts";
import { buckets } from "./buckets.ts";
import { NumberPairs } from "./number_pairs.ts";

/** A bucket keeps this many of a group, so that time does not grow with the square of its size. */
const MATES = 16;
/**
 * And this many in all: what more texts than that have in common, as an instruction of many rows, is
 * not what makes two of them near, and such a pair has keys of its own in other bands.
 */
const CROWD = 256;

const ROW_BYTES = 4 * BANDS;
/** Rows of keys that are read at once. */
const BLOCK = 1 << 12;

/** The keys of texts, gone with it: 64 bytes of each on the disk, 14 in memory while pairs are found. */
export class Bands implements Disposable {
  readonly #keys = new TempFile("keys"); // [texts, BANDS]
  readonly #texts = new GrowableArray(Uint32Array);

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
    const isJoined = (a: Row, b: Row) =>
      areJoined(this.#texts.at(a.index), this.#texts.at(b.index));
    const pairs = new NumberPairs(count);
    for (let band = 0; band < BANDS; band++) {
      pairs.clear();
      for (const key of this.#column(band)) pairs.put(key, pairs.length);
      for (const bucket of buckets(pairs)) {
        const own: Row[] = [];
        for (const index of bucket) {
          const row = { index, keys: this.#rows(index, 1) };
          for (const other of own) {
            if (isJoined(row, other) || haveMet(row, other, band, kept[other.index]!)) continue;
            yield [this.#texts.at(index), this.#texts.at(other.index)];
          }
          const mates = own.filter((other) => isJoined(row, other));
          if (own.length >= CROWD || mates.length >= MATES) continue;
          own.push(row);
          kept[index]! |= 1 << band;
        }
      }
    }
  }

  /** Removes the keys. */
  [Symbol.dispose](): void {
    this.#keys[Symbol.dispose]();
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

interface Row {
  readonly index: number;
  readonly keys: Uint32Array;
}

/** Whether a bucket of an earlier band that kept b has brought a and b together. */
function haveMet(a: Row, b: Row, band: number, kept: number): boolean {
  for (let i = 0; i < band; i++) {
    if (a.keys[i] === b.keys[i] && (kept >> i & 1) === 1) return true;
  }
  return false;
}
