/**
 * Blocks of rows on their way to a worker.
 *
 * @module
 */

import type { DrawnContent } from "./contents.ts";

/** A row that is to be encoded, and which entry of the config it is from; it travels as a line. */
export type WaitingRow = readonly [source: number, drawn: DrawnContent];

/** The most rows of a block, and bytes that it needs no more of. */
const ROWS = 256;
const BYTES = 1 << 20;

/** Lines of rows that are encoded together. */
export class Block {
  #bytes = new Uint8Array(1 << 16);
  #filled = 0;
  #length = 0;

  /** Takes a copy of one more. */
  push(line: Uint8Array): void {
    const end = this.#filled + line.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.#bytes.subarray(0, this.#filled));
      this.#bytes = larger;
    }
    this.#bytes.set(line, this.#filled);
    this.#filled = end;
    this.#length++;
  }

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** Whether there are enough. */
  get isFull(): boolean {
    return this.length >= ROWS || this.#filled >= BYTES;
  }

  /** All of them, one after the other. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#filled);
  }
}
