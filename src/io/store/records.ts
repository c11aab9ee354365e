/**
 * Records of bytes on the disk.
 *
 * @module
 */
import { TempFile } from "../temp_file.ts";
import { GrowableArray } from "./growable_array.ts";

/** Of so many records the place of the first is kept; all of them are read to look at one. */
const STRIDE = 8;
/** Bytes that are read into memory which is used again: less to clear away. More is rare. */
const SCRATCH = 1 << 16;

/** Records that tell themselves where the next begins: 1 byte of each is in memory. */
export class Records implements Disposable {
  readonly #file: TempFile;
  /** Where every eighth begins. */
  readonly #begins = new GrowableArray(Float64Array);
  readonly #scratch = new Uint8Array(SCRATCH);
  #length = 0;
  /** Those that were read last, for the next one asked for is likely to be among them. */
  #last: { readonly first: number; readonly bytes: Uint8Array<ArrayBuffer> } | null = null;

  /**
   * None yet.
   *
   * @param what they hold, in one word for messages.
   * @throws {FileError} where no temporary file can be made.
   */
  constructor(what: string) {
    this.#file = new TempFile(what);
  }

  get length(): number {
    return this.#length;
  }

  /**
   * Adds a record.
   *
   * @throws {FileError} where the disk is full.
   */
  push(bytes: Uint8Array): void {
    if (this.#length++ % STRIDE === 0) this.#begins.push(this.#file.length);
    this.#file.write(bytes);
    this.#last = null;
  }

  /**
   * A few records, of which the one at an index below `length` comes after so many others. They stay
   * until others are asked for.
   */
  around(index: number): { readonly bytes: Uint8Array<ArrayBuffer>; readonly before: number } {
    const first = Math.floor(index / STRIDE);
    if (this.#last?.first !== first) this.#last = { first, bytes: this.#read(first) };
    return { bytes: this.#last.bytes, before: index % STRIDE };
  }

  /** Removes them. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #read(first: number): Uint8Array<ArrayBuffer> {
    const begin = this.#begins.at(first);
    const end = first + 1 < this.#begins.length ? this.#begins.at(first + 1) : this.#file.length;
    const length = end - begin;
    const into = length <= SCRATCH ? this.#scratch.subarray(0, length) : new Uint8Array(length);
    return this.#file.read(begin, into);
  }
}
