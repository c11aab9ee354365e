/**
 * Rows of a matrix on their way from the format of its file to that of the device.
 *
 * @module
 */
import { fileBytes, FORMATS } from "../formats/mod.ts";
import type { FormatName } from "../formats/mod.ts";
import type { Tensors } from "./stored.ts";

/** About how many numbers of a matrix are in hand at a time. */
export const PIECE = 1 << 20;

/** The groups of some rows, given their numbers and which one is the first. */
export type Rounding = (numbers: Float32Array, first: number) => Uint8Array;

/**
 * How rows of a matrix [rows, columns] are rounded to `to`. Where that depends on all rows
 * ({@link "../formats/format.ts"}'s `settle`), the whole matrix is read and rounded at the first call, and held in
 * groups.
 */
export function roundingTo(
  tensors: Tensors,
  name: string,
  [rows, columns]: readonly [number, number],
  to: FormatName,
): Rounding {
  const format = FORMATS[to];
  if (!format.settle) return (numbers) => format.encode(numbers, columns);
  const rowBytes = fileBytes(format, columns);
  let whole: Uint8Array | undefined;
  const all = () => {
    const groups = new Uint8Array(rows * rowBytes);
    for (const { numbers, first } of storedRows(tensors, name, [rows, columns])) {
      groups.set(format.encode(numbers, columns), first * rowBytes);
    }
    format.settle!(groups);
    return groups;
  };
  return (numbers, first) => {
    whole ??= all();
    const from = first * rowBytes;
    return whole.subarray(from, from + numbers.length / columns * rowBytes);
  };
}

/** The numbers of a matrix [rows, columns] as its file has them, some rows at a time. */
export function* storedRows(
  tensors: Tensors,
  name: string,
  [rows, columns]: readonly [number, number],
): Generator<{ readonly numbers: Float32Array; readonly first: number }> {
  const { format, read } = tensors.source(name);
  const stored = FORMATS[format];
  const step = Math.max(1, Math.floor(PIECE / columns));
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const [offset, length] = [first, count].map((n) => fileBytes(stored, n * columns));
    yield { numbers: stored.decode(read({ offset: offset!, length: length! })), first };
  }
}
