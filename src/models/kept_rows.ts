/**
 * The rows of a matrix of a checkpoint, as the device has them: rounded where the base is.
 *
 * @module
 */
import { fileBytes, FORMATS } from "../formats/mod.ts";
import type { Tensors } from "./stored.ts";

/** About how many numbers of a matrix are in hand at a time. */
const PIECE = 1 << 20;

/** Some rows of a matrix. */
export interface KeptRows {
  readonly rows: Float32Array;
  /** The same as their file has them: what `rows` was rounded from. */
  readonly stored: Float32Array;
  /** The number of the first one. */
  readonly first: number;
  readonly columns: number;
}

/** Rows of a matrix [rows, columns], some at a time. */
export function* keptRows(tensors: Tensors, name: string): Generator<KeptRows> {
  const shape = tensors.turn(name, tensors.get(name).shape);
  const [all = 0, columns = 0] = shape;
  const { format, read } = tensors.source(name);
  const [stored, kept] = [FORMATS[format], FORMATS[tensors.format(name, shape)]];
  const step = Math.max(1, Math.floor(PIECE / columns));
  for (let first = 0; first < all; first += step) {
    const count = Math.min(step, all - first);
    const [offset, length] = [first, count].map((n) => fileBytes(stored, n * columns));
    const exact = stored.decode(read({ offset: offset!, length: length! }));
    const rows = stored === kept ? exact : kept.decode(kept.encode(exact, columns));
    yield { rows, stored: exact, first, columns };
  }
}

/** Single rows of a matrix [rows, columns], as the device has them. */
export function keptRowsOf(tensors: Tensors, name: string, ids: readonly number[]): Float32Array {
  const { shape } = tensors.get(name);
  const columns = shape.at(-1)!;
  const { format, read } = tensors.source(name);
  const [stored, kept] = [FORMATS[format], FORMATS[tensors.format(name, shape)]];
  const length = fileBytes(stored, columns);
  const found = new Float32Array(ids.length * columns);
  for (const [i, id] of ids.entries()) {
    const exact = stored.decode(read({ offset: id * length, length }));
    found.set(stored === kept ? exact : kept.decode(kept.encode(exact, columns)), i * columns);
  }
  return found;
}
