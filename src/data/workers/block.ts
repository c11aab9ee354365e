/**
 * Rows that wait to be encoded, as lines of JSON: for the disk, and the way to a worker.
 *
 * @module
 */

import type { DrawnContent } from "../documents/contents.ts";

/** A row, and which entry of the config it is from. */
export interface WaitingRow {
  readonly source: number;
  readonly drawn: DrawnContent;
}

/** Ends a line; JSON writes it in no text. */
const LINE_END = 10;
/** The most rows of a block, and bytes that it needs no more of. */
const ROWS = 256;
const BYTES = 1 << 20;

/** The line of a row, its end counted. */
export function waitingLine({ source, drawn }: WaitingRow): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify([source, drawn])}\n`);
}

/** Lines that stand one after the other. */
export function* linesIn(bytes: Uint8Array): Generator<Uint8Array> {
  for (let begin = 0; begin < bytes.length;) {
    const end = bytes.indexOf(LINE_END, begin) + 1;
    yield bytes.subarray(begin, end);
    begin = end;
  }
}

/** The row of a line. */
export function waitingRow(line: Uint8Array): WaitingRow {
  const [source, drawn] = JSON.parse(new TextDecoder().decode(line));
  return { source, drawn };
}

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
