/**
 * Values as lines of JSON: on the disk, and on the way between threads.
 *
 * @module
 */
import { encodeUtf8 } from "../files.ts";
import { Records } from "./records.ts";

/** Ends a line; JSON writes it in no text. */
const LINE_END = 10;

/** The line of a value, its end counted. */
export const lineOf = (value: unknown): Uint8Array => encodeUtf8(`${JSON.stringify(value)}\n`);

/** The value of a line. */
export const valueOf = <T>(line: Uint8Array): T => JSON.parse(new TextDecoder().decode(line));

/** Lines that stand one after the other. */
export function* linesIn(bytes: Uint8Array): Generator<Uint8Array> {
  for (let begin = 0; begin < bytes.length;) {
    const end = bytes.indexOf(LINE_END, begin) + 1;
    yield bytes.subarray(begin, end);
    begin = end;
  }
}

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

  /** Adds a value; returns its line. */
  push(value: T): Uint8Array {
    const line = lineOf(value);
    this.#lines.push(line);
    return line;
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
