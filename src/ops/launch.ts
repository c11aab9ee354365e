/**
 * Grids of the simple kernels, and ranges of tables that outgrow one binding.
 *
 * @module
 */
import { grid } from "../gpu/program.ts";
import { bytesOf, type Rows, storedRows, type Value } from "../graph/graph.ts";

/** The grid of a kernel with one invocation a row, 8 a workgroup. */
export const perRow = (rows: number): [number, number] => grid(Math.ceil(rows / 8));

/** The grid of an elementwise kernel with 16 numbers an invocation, 64 a workgroup. */
export const perSixteen = (numbers: number): [number, number] => grid(Math.ceil(numbers / 1024));

/** How many numbers a value holds. */
export const sizeOf = (value: Value): number => value.shape.reduce((n, size) => n * size, 1);

/** Bound parts of a table begin at multiples of this many rows, which keeps offsets aligned. */
const PART_ROWS = 64;

/** Cuts a table into parts of rows that fit one binding, and at most `most` rows each. */
export function partsOf(table: Value, maxBinding: number, most = Infinity): Rows[] {
  const rows = storedRows(table);
  const rowBytes = bytesOf(table) / rows;
  const fitting = Math.floor(Math.min(maxBinding / rowBytes, most) / PART_ROWS) * PART_ROWS;
  const step = Math.max(PART_ROWS, fitting);
  const parts: Rows[] = [];
  for (let from = 0; from < rows; from += step) {
    parts.push({ from, rows: Math.min(step, rows - from) });
  }
  return parts;
}

/** @throws {RangeError} unless every size is a multiple of `of`. */
export function requireMultiple(of: number, sizes: Readonly<Record<string, number>>): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (!(size > 0 && size % of === 0)) {
      throw new RangeError(`Expected ${name} to be a multiple of ${of} but found ${size}`);
    }
  }
}
