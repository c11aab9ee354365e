/**
 * A list that grows, of numbers of one type: an array takes at least twice the memory.
 *
 * @module
 */

/** Numbers of one type, as many as come. */
export class Numbers<A extends Float64Array | Uint32Array> {
  #numbers: A;
  #length = 0;

  constructor(private readonly Type: new (length: number) => A) {
    this.#numbers = new Type(1024);
  }

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** Adds one. */
  push(number: number): void {
    if (this.#length === this.#numbers.length) this.#grow(this.#length + 1);
    this.#numbers[this.#length++] = number;
  }

  /** Adds several. */
  append(numbers: ArrayLike<number>): void {
    const length = this.#length + numbers.length;
    if (length > this.#numbers.length) this.#grow(length);
    this.#numbers.set(numbers, this.#length);
    this.#length = length;
  }

  /** Forgets all, and keeps the memory. */
  clear(): void {
    this.#length = 0;
  }

  /** The number at an index below `length`. */
  at(index: number): number {
    return this.#numbers[index]!;
  }

  /** All of them, in the memory that they are in. */
  all(): A {
    return this.#numbers.subarray(0, this.#length) as A;
  }

  #grow(least: number): void {
    const more = new this.Type(Math.max(least, Math.ceil(1.5 * this.#length)));
    more.set(this.#numbers.subarray(0, this.#length));
    this.#numbers = more;
  }
}
