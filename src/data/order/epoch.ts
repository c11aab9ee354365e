/**
 * One epoch of a stream, packed a window at a time.
 *
 * @module
 */

import { permutation } from "../../random.ts";
import type { Mixture } from "./mixture.ts";
import { pack, packInOrder } from "./pack.ts";

/** Micro-batches packed together: enough to fill them well, few enough to stay near the shuffle. */
const WINDOW = 64;

/** What decides how an order is packed. */
export interface EpochOptions {
  /** Tokens of a micro-batch. */
  readonly T: number;
  readonly seed: number;
  /** False: each micro-batch is filled in turn. */
  readonly shuffle: boolean;
  /** Counted from 0. */
  readonly number: number;
  /** How many tokens an example has. */
  readonly lengthAt: (example: number) => number;
  /** Where sources are mixed by weight. */
  readonly mixture: Mixture | undefined;
}

/** Examples that are packed together: where they stand in the order, and their first micro-batch. */
interface Window {
  readonly from: number;
  readonly to: number;
  readonly micro: number;
}

/** The micro-batches of an order of examples. */
export class Epoch {
  /** Those before one that was packed, and the next; the last of all is empty. */
  readonly #windows: Window[];
  #packed: Packed = { window: -1, rows: [] };

  /** Packs nothing yet. */
  constructor(readonly order: Uint32Array, private readonly options: EpochOptions) {
    this.#windows = [this.#windowAt(0, 0)];
  }

  /** The examples of a micro-batch, null where the epoch is over before. */
  micro(index: number): number[] | null {
    let number = this.#windows.findLastIndex(({ micro }) => micro <= index);
    for (;; number++) {
      const { from, to, micro } = this.#windows[number]!;
      if (from === to) return null;
      const packed = this.#pack(number);
      if (index - micro >= packed.rows.length) continue;
      packed.order ??= this.#rowOrder(packed);
      return packed.rows[packed.order[index - micro]!]!;
    }
  }

  /** Whether none comes after that micro-batch, which was the last asked for. */
  isLast(index: number): boolean {
    const { window, rows } = this.#packed;
    const { to, micro } = this.#windows[window]!;
    return to === this.order.length && index === micro + rows.length - 1;
  }

  /** How many there are. Packs the whole epoch. */
  get micros(): number {
    this.micro(Infinity);
    return this.#windows.at(-1)!.micro;
  }

  /** Packs a window, after which it is known where the next begins. */
  #pack(number: number): Packed {
    if (this.#packed.window === number) return this.#packed;
    const { from, to, micro } = this.#windows[number]!;
    const { T, shuffle, lengthAt } = this.options;
    const lengths = Array.from(this.order.subarray(from, to), lengthAt);
    const packed = shuffle ? pack(lengths, T) : packInOrder(lengths, T);
    const rows = packed.map((row) => row.map((i) => this.order[from + i]!));
    this.#windows[number + 1] ??= this.#windowAt(to, micro + rows.length);
    return this.#packed = { window: number, rows };
  }

  /** Packing puts the longest first; training must not see them so. */
  #rowOrder({ window, rows }: Packed): ArrayLike<number> {
    const { seed, shuffle, number, mixture } = this.options;
    if (!shuffle) return Array.from(rows.keys());
    const order = permutation(rows.length, seed, number, window);
    return mixture?.balance(rows, order) ?? order;
  }

  /** The window that begins there: about 64 micro-batches, and whole ones where they keep the order. */
  #windowAt(from: number, micro: number): Window {
    const { order, options: { T, shuffle, lengthAt } } = this;
    let to = from;
    let room = shuffle ? WINDOW * T : 0;
    for (let rows = 0; to < order.length; to++) {
      const length = lengthAt(order[to]!);
      if (shuffle && room <= 0) break;
      if (!shuffle && length > room) {
        if (rows++ === WINDOW) break;
        room = T;
      }
      room -= length;
    }
    return { from, to, micro };
  }
}

/** The rows of a window in the order in which they opened, and that in which they are trained on. */
interface Packed {
  readonly window: number;
  readonly rows: readonly number[][];
  order?: ArrayLike<number>;
}
