/** Row-major numbers to what the device stores and back */
import { fileBytes, FORMATS } from "../formats/mod.ts";
import type { Layout, NumberType } from "../graph/graph.ts";

/** Numbers as stored, and as the device will see them after rounding. */
export function pack(
  numbers: Float32Array,
  shape: readonly number[],
  type: NumberType,
  layout: Layout,
): { stored: Float32Array | Uint32Array; rounded: Float32Array } {
  if (type === "u32") throw new TypeError("Expected real numbers");
  const format = FORMATS[type];
  const columns = shape.at(-1)!;
  const banded = new Float32Array(Math.ceil(numbers.length / columns / 4) * 4 * columns);
  banded.set(numbers);
  const rows = format.encode(layout === "blocks" ? banded : numbers, columns);
  format.settle?.(rows.subarray(0, fileBytes(format, numbers.length)));
  const stored = layout === "blocks" ? format.pack(rows, columns) : rows;
  const rounded = format.decode(rows).subarray(0, numbers.length);
  return { stored: new Uint32Array(stored.buffer), rounded };
}

/** A matrix in 4x4 blocks back in rows; rows that only fill the last block are dropped. */
export function unblock(stored: Float32Array, shape: readonly number[]): Float32Array {
  const [rows = 0, columns = 0] = shape;
  const numbers = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      numbers[row * columns + column] = stored[blockIndex(row, column, columns)]!;
    }
  }
  return numbers;
}

/** Where (row, column) of a [rows, columns] matrix lies in 4x4 blocks. */
export function blockIndex(row: number, column: number, columns: number): number {
  return ((row >> 2) * (columns >> 2) + (column >> 2)) * 16 + (row & 3) * 4 + (column & 3);
}
