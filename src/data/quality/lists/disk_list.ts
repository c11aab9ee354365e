/**
 * A list on the disk.
 *
 * @module
 */
import { encodeUtf8 } from "../../../io/files.ts";
import { Spool } from "../../../io/spool.ts";
import { Places } from "../../order/numbers.ts";
import type { List } from "./list.ts";

/** Bytes that are read at once: those that follow an item are likely to be asked for next. */
const WINDOW = 1 << 16;

/**
 * Values as JSON in a temporary file, which is gone with the list: 5 bytes of each are in memory.
 *
 * @throws {FileError} where no temporary file can be made, or the disk is full.
 */
export class DiskList<T> implements List<T>, Disposable {
  readonly #spool = new Spool("rows");
  readonly #ends = new Places();
  readonly #buffer = new Uint8Array(WINDOW);
  #window = { begin: 0, bytes: new Uint8Array(0) };

  /** How many values there are. */
  get length(): number {
    return this.#ends.length;
  }

  /** Adds a value. */
  push(value: T): void {
    this.#spool.write(encodeUtf8(JSON.stringify(value)));
    this.#ends.push(this.#spool.length);
  }

  at(index: number): T | undefined {
    if (index >= this.length) return undefined;
    const begin = index === 0 ? 0 : this.#ends.at(index - 1);
    return JSON.parse(new TextDecoder().decode(this.#bytes(begin, this.#ends.at(index))));
  }

  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!;
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    this.#spool[Symbol.dispose]();
  }

  #bytes(begin: number, end: number): Uint8Array {
    const { begin: first, bytes } = this.#window;
    if (begin < first || end > first + bytes.length) this.#window = this.#read(begin, end);
    const at = begin - this.#window.begin;
    return this.#window.bytes.subarray(at, at + end - begin);
  }

  #read(begin: number, end: number): { begin: number; bytes: Uint8Array<ArrayBuffer> } {
    const length = Math.max(end - begin, Math.min(WINDOW, this.#spool.length - begin));
    const into = length > WINDOW ? new Uint8Array(length) : this.#buffer.subarray(0, length);
    return { begin, bytes: this.#spool.read(begin, into) };
  }
}
