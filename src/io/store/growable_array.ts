/**
 * A list that grows, of numbers of one type: an array takes at least twice the memory.
 *
 * @module
 */

/** GrowableArray of a block. A list grows by blocks: nothing is copied, and at most one is partly used. */
const BLOCK = 1 << 14;

/** GrowableArray of one type, as many as come. */
export class GrowableArray<A extends Float64Array | Uint32Array | Uint16Array> {
  readonly #blocks: A[] = [];
  #length = 0;

  constructor(private readonly Type: new (length: number) => A) {}

  get length(): number {
    return this.#length;
  }

  /** Adds one. */
  push(number: number): void {
    this.#blockAt(this.#length)[this.#length % BLOCK] = number;
    this.#length++;
  }

  /** Adds several. */
  append(numbers: Float64Array | Uint32Array | Uint16Array): void {
    for (let taken = 0; taken < numbers.length;) {
      const at = this.#length % BLOCK;
      const part = numbers.subarray(taken, taken + BLOCK - at);
      this.#blockAt(this.#length).set(part, at);
      taken += part.length;
      this.#length += part.length;
    }
  }

  /** Forgets all, and keeps the memory. */
  clear(): void {
    this.#length = 0;
  }

  /** The number at an index below `length`. */
  at(index: number): number {
    return this.#blocks[Math.floor(index / BLOCK)]![index % BLOCK]!;
  }

  /** A copy of all of them. */
  copy(): A {
    const all = new this.Type(this.#length);
    for (let begin = 0; begin < this.#length; begin += BLOCK) {
      all.set(this.#blockAt(begin).subarray(0, this.#length - begin), begin);
    }
    return all;
  }

  #blockAt(index: number): A {
    const number = Math.floor(index / BLOCK);
    return this.#blocks[number] ??= new this.Type(BLOCK);
  }
}
