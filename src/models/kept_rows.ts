/**
 * The rows of a matrix of a checkpoint, as the device has them: rounded where the base is.
 *
 * @module
 */
import { fileBytes, FORMATS } from "../formats/mod.ts";
import { roundingTo, storedRows } from "./rounded_rows.ts";
import type { Tensors } from "./stored.ts";

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
  const shape = tensors.turn(name, tensors.get(name).shape) as [number, number];
  const columns = shape[1];
  const kept = tensors.format(name, shape);
  const isRounded = tensors.source(name).format !== kept;
  const rounded = roundingTo(tensors, name, shape, kept);
  for (const { numbers: stored, first } of storedRows(tensors, name, shape)) {
    const rows = isRounded ? FORMATS[kept].decode(rounded(stored, first)) : stored;
    yield { rows, stored, first, columns };
  }
}

/** Single rows of a matrix [rows, columns], as the device has them. */
export function keptRowsOf(tensors: Tensors, name: string, ids: readonly number[]): Float32Array {
  const shape = tensors.get(name).shape as [number, number];
  const columns = shape[1];
  const { format, read } = tensors.source(name);
  const kept = tensors.format(name, shape);
  const rounded = roundingTo(tensors, name, shape, kept);
  const stored = FORMATS[format];
  const length = fileBytes(stored, columns);
  const found = new Float32Array(ids.length * columns);
  for (const [i, id] of ids.entries()) {
    const exact = stored.decode(read({ offset: id * length, length }));
    found.set(format === kept ? exact : FORMATS[kept].decode(rounded(exact, id)), i * columns);
  }
  return found;
}
