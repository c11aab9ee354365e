/**
 * Packed rows for benchmarks: documents of equal length, back to back, all of them supervised.
 *
 * @module
 */
import type { PackedRows } from "../models/loss_program.ts";
import { random } from "../random.ts";

/** `count` documents of `length` random tokens; the target of each is the next one. */
export function randomDocuments(count: number, length: number, vocabSize: number): PackedRows {
  const T = count * length;
  const each = (number: (row: number) => number) =>
    Uint32Array.from({ length: T }, (_, i) => {
      return number(i);
    });
  const token = (i: number) => Math.floor(vocabSize * random(1, i));
  const begin = (i: number) => i - i % length;
  return {
    tokens: each(token),
    positions: each((i) => i % length),
    start: each(begin),
    end: each((i) => begin(i) + length),
    rows: each((i) => i),
    targets: each((i) => token(i + 1)),
  };
}
