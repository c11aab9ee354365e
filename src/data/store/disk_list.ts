/**
 * A list on the disk.
 *
 * @module
 */
import { lineOf, linesIn, valueOf } from "./lines.ts";
import { Records } from "./records.ts";

/**
 * Values as lines of JSON in a temporary file, which is gone with the list: a byte of each is in
 * memory.
 *
 * @throws {FileError} where no temporary file can be made, or the disk is full.
 */
export class DiskList<T> implements Iterable<T>, Disposable {
  readonly #lines = new Records("rows");

  /** How many values there are. */
  get length(): number {
    return this.#lines.length;
  }

  /** Adds a value. */
  push(value: T): void {
    this.#lines.push(lineOf(value));
  }

  /** A value made anew; undefined from `length` on. */
  at(index: number): T | undefined {
    return index < this.length ? valueOf(this.line(index)) : undefined;
  }

  /** The line of a value at an index below `length`, until the next is asked for. */
  line(index: number): Uint8Array {
    const { bytes, before } = this.#lines.around(index);
    return linesIn(bytes).drop(before).next().value!;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!;
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    this.#lines[Symbol.dispose]();
  }
}
