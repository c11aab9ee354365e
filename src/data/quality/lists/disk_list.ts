/**
 * A list on the disk.
 *
 * @module
 */
import { encodeUtf8 } from "../../../io/files.ts";
import { Records } from "../../store/records.ts";
import type { List } from "./list.ts";

const NEWLINE = 10;

/**
 * Values as lines of JSON in a temporary file, which is gone with the list: a byte of each is in
 * memory.
 *
 * @throws {FileError} where no temporary file can be made, or the disk is full.
 */
export class DiskList<T> implements List<T>, Disposable {
  readonly #lines = new Records("rows");

  /** How many values there are. */
  get length(): number {
    return this.#lines.length;
  }

  /** Adds a value. */
  push(value: T): void {
    this.#lines.push(encodeUtf8(`${JSON.stringify(value)}\n`));
  }

  at(index: number): T | undefined {
    if (index >= this.length) return undefined;
    const { bytes, before } = this.#lines.around(index);
    let begin = 0;
    for (let line = 0; line < before; line++) begin = bytes.indexOf(NEWLINE, begin) + 1;
    const line = bytes.subarray(begin, bytes.indexOf(NEWLINE, begin));
    return JSON.parse(new TextDecoder().decode(line));
  }

  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!;
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    this.#lines[Symbol.dispose]();
  }
}
