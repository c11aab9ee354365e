/**
 * The rows of a matrix of a checkpoint, as the device has them: rounded where the base is.
 *
 * @module
 */
import { fileBytes, FORMATS } from "../formats/mod.ts";
import type { Tensors } from "./stored.ts";

/** About how many numbers of a matrix are in hand at a time. */
const PIECE = 1 << 20;

/** Rows of a matrix [rows, columns], some at a time; the first of them has the number `first`. */
export function* keptRows(
  tensors: Tensors,
  name: string,
): Generator<{ rows: Float32Array; first: number; columns: number }> {
  const shape = tensors.turn(name, tensors.get(name).shape);
  const [all = 0, columns = 0] = shape;
  const { format, read } = tensors.source(name);
  const [stored, kept] = [FORMATS[format], FORMATS[tensors.format(name, shape)]];
  const step = Math.max(1, Math.floor(PIECE / columns));
  for (let first = 0; first < all; first += step) {
    const count = Math.min(step, all - first);
    const [offset, length] = [first, count].map((n) => fileBytes(stored, n * columns));
    const exact = stored.decode(read({ offset: offset!, length: length! }));
    const rows = stored === kept ? exact : kept.decode(kept.encode(exact));
    yield { rows, first, columns };
  }
}
