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
  readonly #lines: Uint8Array[] = [];
  #bytes = 0;

  /** Takes one more. */
  push(line: Uint8Array): void {
    this.#lines.push(line);
    this.#bytes += line.length;
  }

  /** How many there are. */
  get length(): number {
    return this.#lines.length;
  }

  /** Whether there are enough. */
  get isFull(): boolean {
    return this.length >= ROWS || this.#bytes >= BYTES;
  }

  /** All of them, one after the other. */
  bytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#bytes);
    let begin = 0;
    for (const line of this.#lines) {
      bytes.set(line, begin);
      begin += line.length;
    }
    return bytes;
  }
}
