/**
 * Random numbers for one row, the same however and whenever it is read.
 *
 * @module
 */

import { random } from "../random.ts";

/** Keeps what is sampled for rows apart from the orders of training. */
const ROW = 0xfffffffd;

/** A sequence of random numbers that a seed and counters decide. */
export class RowRng {
  readonly #seed: number;
  readonly #counters: readonly number[];
  #taken = 0;

  /** The numbers of one purpose for one row. */
  constructor(seed: number, ...counters: number[]) {
    this.#seed = seed;
    this.#counters = [ROW, ...counters];
  }

  /** A number in [0, 1). */
  uniform(): number {
    return random(this.#seed, ...this.#counters, this.#taken++);
  }

  /** An integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** The numbers 0..n-1 in any order, each chosen when it is asked for (Fisher-Yates). */
  *shuffled(n: number): Generator<number> {
    const moved = new Map<number, number>();
    for (let left = n; left > 0; left--) {
      const i = this.below(left);
      yield moved.get(i) ?? i;
      moved.set(i, moved.get(left - 1) ?? left - 1);
    }
  }
}
