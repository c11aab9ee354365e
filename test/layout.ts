/** Row-major numbers to what the device stores and back, for tests: written plainly, bit by bit. */
import type { Layout, NumberType } from "../src/graph/graph.ts";

/** bf16 by rounding to nearest even, as the upper half of f32. */
function toBf16(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer)[0]!;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function fromBf16(half: number): number {
  return new Float32Array(Uint32Array.of(half << 16).buffer)[0]!;
}

/** Where (row, column) of a [rows, columns] matrix lies in 4x4 blocks. */
function blockIndex(row: number, column: number, columns: number): number {
  return ((row >> 2) * (columns >> 2) + (column >> 2)) * 16 + (row & 3) * 4 + (column & 3);
}

/** Numbers as stored, and as the device will see them after rounding. */
export function pack(
  numbers: Float32Array,
  shape: readonly number[],
  type: NumberType,
  layout: Layout,
): { stored: Float32Array | Uint32Array; rounded: Float32Array } {
  const columns = shape.at(-1)!;
  const rows = numbers.length / columns;
  const length = layout === "blocks" ? Math.ceil(rows / 4) * 4 * columns : numbers.length;
  const placed = new Float32Array(length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = row * columns + column;
      placed[layout === "blocks" ? blockIndex(row, column, columns) : from] = numbers[from]!;
    }
  }
  if (type === "f32") return { stored: placed, rounded: numbers };
  if (type === "f16") {
    const halves = Float16Array.from(placed);
    return { stored: new Uint32Array(halves.buffer), rounded: numbers.map(Math.f16round) };
  }
  const halves = Uint16Array.from(placed, toBf16);
  return {
    stored: new Uint32Array(halves.buffer),
    rounded: numbers.map((x) => fromBf16(toBf16(x))),
  };
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
