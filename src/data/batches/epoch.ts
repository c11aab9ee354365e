/**
 * One epoch of a stream, packed a window at a time.
 *
 * @module
 */

import { permutation } from "../../random.ts";
import type { Mixture } from "./mixture.ts";
import { pack, packInOrder } from "./pack.ts";

/** How many examples of each source have been sampled, counted over all cycles through it. */
export type Cursors = readonly number[];

/** Examples one after the other, as far as they have been sampled. */
export interface Order {
  readonly length: number;
  /** Whether no more are to be sampled. */
  readonly isWhole: boolean;
  readonly at: (index: number) => number | undefined;
  /** Samples some more, unless it is whole. */
  readonly more: () => Promise<void>;
  /** Where it has got to in each source of a mixture. */
  readonly cursors: Cursors;
}

/** An order that is whole from the start. */
export const wholeOrder = (examples: Uint32Array): Order => ({
  length: examples.length,
  isWhole: true,
  at: (index) => examples[index],
  more: () => Promise.resolve(),
  cursors: [],
});

/** Micro-batches packed together: enough to fill them well, few enough to stay near the shuffle. */
const WINDOW = 64;
/** Examples that are waited for at a time, until there are enough for a window. */
const AT_A_TIME = 256;

/** What decides how an order is packed. */
export interface EpochOptions {
  /** Tokens of a micro-batch. */
  readonly T: number;
  readonly seed: number;
  /** False: each micro-batch is filled in turn. */
  readonly shuffle: boolean;
  /** Counted from 0. */
  readonly number: number;
  /** How many tokens an example has, none if it was left out. */
  readonly lengthAt: (example: number) => number;
  /** Waits until that is known of some. */
  readonly arrived: (examples: readonly number[]) => Promise<void>;
  /** Where sources are mixed by weight. */
  readonly mixture: Mixture | undefined;
}

/** Where examples that are packed together begin in the order, and their first micro-batch. */
interface Window {
  readonly from: number;
  readonly micro: number;
}

/** The micro-batches of an order of examples. */
export class Epoch {
  /** Those before one that was packed, and the next; the last of all is empty. */
  readonly #windows: Window[] = [{ from: 0, micro: 0 }];
  #packed: Packed = { window: -1, rows: [] };

  constructor(private readonly order: Order, private readonly options: EpochOptions) {}

  /** The examples of a micro-batch, null where the epoch is over before. */
  async micro(index: number): Promise<number[] | null> {
    for (let number = this.#windowOf(index);; number++) {
      const { from, micro } = this.#windows[number]!;
      if (this.#isEnd(from)) return null;
      const packed = await this.#pack(number);
      if (index - micro >= packed.rows.length) continue;
      packed.order ??= this.#rowOrder(packed);
      return packed.rows[packed.order[index - micro]!]!;
    }
  }

  /** All of it; once its last micro-batch is known. */
  get examples(): number[] {
    return this.#examples(0, this.order.length);
  }

  /** Whether none comes after that micro-batch, which was the last asked for. */
  isLast(index: number): boolean {
    const { window, rows } = this.#packed;
    const isLast = this.#isEnd(this.#windows[window + 1]!.from);
    return isLast && index === this.#windows[window]!.micro + rows.length - 1;
  }

  /** How many there are. Packs the whole epoch. */
  async micros(): Promise<number> {
    await this.micro(Infinity);
    return this.#windows.at(-1)!.micro;
  }

  /** Where a window ends is known only when there is an example after it, or none. */
  #isEnd(from: number): boolean {
    return from === this.order.length && this.order.isWhole;
  }

  #windowOf(index: number): number {
    return this.#windows.findLastIndex(({ micro }) => micro <= index);
  }

  /** Packs a window, after which it is known where the next begins. */
  async #pack(number: number): Promise<Packed> {
    if (this.#packed.window === number) return this.#packed;
    const { from, micro } = this.#windows[number]!;
    const { T, shuffle, lengthAt } = this.options;
    const to = await this.#endOf(from);
    const examples = this.#examples(from, to).filter((example) => lengthAt(example) > 0);
    const lengths = Array.from(examples, lengthAt);
    const packed = shuffle ? pack(lengths, T) : packInOrder(lengths, T);
    const rows = packed.map((row) => row.map((i) => examples[i]!));
    this.#windows[number + 1] ??= { from: to, micro: micro + rows.length };
    return this.#packed = { window: number, rows };
  }

  /** Packing puts the longest first; training must not see them so. */
  #rowOrder({ window, rows }: Packed): ArrayLike<number> {
    const { seed, shuffle, number, mixture } = this.options;
    if (!shuffle) return Array.from(rows.keys());
    const order = permutation(rows.length, seed, number, window);
    return mixture?.balance(rows, order) ?? order;
  }

  #examples(from: number, to: number): number[] {
    return Array.from({ length: to - from }, (_, i) => this.order.at(from + i)!);
  }

  /**
   * Where the window that begins there ends: after about 64 micro-batches, whole ones where they keep
   * the order. Waits until its examples and the next one are encoded.
   */
  async #endOf(from: number): Promise<number> {
    const { order, options: { T, shuffle, lengthAt, arrived } } = this;
    let capacity = shuffle ? WINDOW * T : 0;
    for (let to = from, known = from, rows = 0;; to++) {
      if (to === known) {
        while (to === order.length && !order.isWhole) await order.more();
        if (to === order.length) return to;
        known = Math.min(to + AT_A_TIME, order.length);
        await arrived(this.#examples(to, known));
      }
      const length = lengthAt(order.at(to)!);
      if (shuffle && capacity <= 0) return to;
      if (!shuffle && length > capacity) {
        if (rows++ === WINDOW) return to;
        capacity = T;
      }
      capacity -= length;
    }
  }
}

/** The rows of a window in the order in which they opened, and that in which they are trained on. */
interface Packed {
  readonly window: number;
  readonly rows: readonly number[][];
  order?: ArrayLike<number>;
}
