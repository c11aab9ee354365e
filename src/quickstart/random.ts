/**
 * Counter-based random numbers: a value depends on its key alone, so that story 7 is the same
 * whether or not stories 0 to 6 were made.
 *
 * @module
 */

/** A number in [0, 1) that depends only on the integers of `key`, mixed as MurmurHash3 does. */
export function random(...key: number[]): number {
  let hash = 0x9e3779b9;
  for (const part of key) {
    hash = Math.imul(hash ^ part, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return (hash >>> 0) / 2 ** 32;
}

/** Successive random choices under one key. */
export class Dice {
  #rolls = 0;
  readonly #key: number[];

  /** Dice whose rolls depend only on `key` and on how many rolls came before. */
  constructor(...key: number[]) {
    this.#key = key;
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return random(...this.#key, this.#rolls++) < probability;
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(random(...this.#key, this.#rolls++) * (high - low + 1));
  }

  /** One of `options`. Throws a RangeError where there is none. */
  pick<T>(options: readonly T[]): T {
    if (options.length === 0) throw new RangeError("Found no options, wanted one at least");
    return options[this.between(0, options.length - 1)]!;
  }

  /** `options` in random order. */
  shuffle<T>(options: readonly T[]): T[] {
    const shuffled = [...options];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.between(0, last);
      [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
    }
    return shuffled;
  }
}
