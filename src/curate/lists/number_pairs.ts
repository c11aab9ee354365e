/**
 * Pairs of numbers that are sorted without an object for each.
 *
 * @module
 */

/** Pairs of 32-bit numbers, 8 bytes each. */
export class NumberPairs {
  readonly #wholes: BigUint64Array<ArrayBuffer>;
  /** The same as halves, the lower one first: all that Deno runs on is little-endian. */
  readonly #halves: Uint32Array<ArrayBuffer>;
  #length = 0;

  /** @param capacity pairs that there can be. */
  constructor(readonly capacity: number) {
    this.#wholes = new BigUint64Array(capacity);
    this.#halves = new Uint32Array(this.#wholes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** Adds a pair; there are fewer than `capacity`. */
  put(first: number, second: number): void {
    this.#set(this.#length++, first, second);
  }

  /** Forgets all of them. */
  clear(): void {
    this.#length = 0;
  }

  /** The first number of a pair. */
  firstAt(index: number): number {
    return this.#halves[2 * index + 1]!;
  }

  /** The second number of a pair. */
  secondAt(index: number): number {
    return this.#halves[2 * index]!;
  }

  /** Sorts by the first number, then by the second. */
  sort(): void {
    this.#wholes.subarray(0, this.#length).sort();
  }

  /** Keeps those of which `isKept` says so, in their order; it may look at those before. */
  keep(isKept: (index: number) => boolean): void {
    let kept = 0;
    for (let i = 0; i < this.#length; i++) {
      if (isKept(i)) this.#set(kept++, this.firstAt(i), this.secondAt(i));
    }
    this.#length = kept;
  }

  #set(index: number, first: number, second: number): void {
    this.#halves[2 * index] = second;
    this.#halves[2 * index + 1] = first;
  }
}
