/**
 * Numbers drawn one after the other for one row, the same however and whenever it is read.
 *
 * @module
 */

import { random } from "../random.ts";

/** Keeps what is drawn for rows apart from the orders of training. */
const ROW = 0xfffffffd;

/** A sequence of draws that a seed and counters decide. */
export class Draws {
  readonly #seed: number;
  readonly #counters: readonly number[];
  #drawn = 0;

  /** The draws of one purpose for one row. */
  constructor(seed: number, ...counters: number[]) {
    this.#seed = seed;
    this.#counters = [ROW, ...counters];
  }

  /** How many numbers have been drawn. */
  get drawn(): number {
    return this.#drawn;
  }

  /** Goes on as if so many numbers had been drawn. */
  after(drawn: number): this {
    this.#drawn = drawn;
    return this;
  }

  /** A number in [0, 1). */
  unit(): number {
    return random(this.#seed, ...this.#counters, this.#drawn++);
  }

  /** An integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.unit() * n);
  }

  /** The numbers 0..n-1 in any order, each drawn when it is asked for (Fisher-Yates). */
  *order(n: number): Generator<number> {
    const moved = new Map<number, number>();
    for (let left = n; left > 0; left--) {
      const i = this.below(left);
      yield moved.get(i) ?? i;
      moved.set(i, moved.get(left - 1) ?? left - 1);
    }
  }
}
