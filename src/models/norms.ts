/**
 * Norms of the rows of frozen matrices.
 *
 * @module
 */
import { keptRows } from "./kept_rows.ts";
import type { Tensors } from "./stored.ts";

const known = new WeakMap<Tensors, Map<string, Float32Array>>();

/** The Euclidean norm of each row of a matrix as the device has it, [rows]; kept once computed. */
export function rowNorms(tensors: Tensors, name: string): Float32Array {
  const norms = known.get(tensors) ?? new Map<string, Float32Array>();
  known.set(tensors, norms);
  const found = norms.get(name) ?? changedNorms(tensors, name, () => {});
  norms.set(name, found);
  return found;
}

/** The same after `change`, which changes rows in place; the first of them has that number. */
export function changedNorms(
  tensors: Tensors,
  name: string,
  change: (rows: Float32Array, first: number) => void,
): Float32Array {
  const norms: number[] = [];
  for (const { rows, first, columns } of keptRows(tensors, name)) {
    change(rows, first);
    for (let row = 0; row < rows.length; row += columns) {
      let sum = 0;
      for (let i = row; i < row + columns; i++) sum += rows[i]! ** 2;
      norms.push(Math.sqrt(sum));
    }
  }
  return Float32Array.from(norms);
}
