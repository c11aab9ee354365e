/**
 * Norms of the rows of frozen matrices.
 *
 * @module
 */
import { fileBytes, FORMATS } from "../formats/mod.ts";
import type { Tensors } from "./stored.ts";

/** About how many numbers of a matrix are in hand at a time. */
const PIECE = 1 << 20;

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
  const shape = tensors.turn(name, tensors.get(name).shape);
  const [rows = 0, columns = 0] = shape;
  const { format, read } = tensors.source(name);
  const [stored, kept] = [FORMATS[format], FORMATS[tensors.format(name, shape)]];
  const step = Math.max(1, Math.floor(PIECE / columns));
  const norms = new Float32Array(rows);
  for (let from = 0; from < rows; from += step) {
    const count = Math.min(step, rows - from);
    const [offset, length] = [from, count].map((n) => fileBytes(stored, n * columns));
    const exact = stored.decode(read({ offset: offset!, length: length! }));
    const values = stored === kept ? exact : kept.decode(kept.encode(exact));
    change(values, from);
    for (let row = 0; row < count; row++) {
      let sum = 0;
      for (let i = row * columns; i < (row + 1) * columns; i++) sum += values[i]! ** 2;
      norms[from + row] = Math.sqrt(sum);
    }
  }
  return norms;
}
