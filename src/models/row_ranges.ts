/**
 * Ranges of bytes of a matrix that is read row by row.
 *
 * @module
 */
import type { ReadOptions } from "../io/safetensors/safetensors.ts";

/** What rows come to. */
export interface RowBytes {
  /** Of the tensor, for messages. */
  readonly name: string;
  readonly rows: number;
  readonly rowBytes: number;
  /** The bytes of rows `from` to `to`. */
  read(from: number, to: number): Uint8Array;
}

/**
 * A range of the bytes of all rows.
 *
 * @throws {RangeError} where it leaves the tensor.
 */
export function rangeOf(
  { name, rows, rowBytes, read }: RowBytes,
  { offset = 0, length, into }: ReadOptions = {},
): Uint8Array {
  const all = rows * rowBytes;
  const end = offset + (length ?? all - offset);
  if (!(offset >= 0 && end >= offset && end <= all)) {
    throw new RangeError(
      `Cannot read bytes ${offset} to ${end} of tensor "${name}", which has ${all}`,
    );
  }
  const [from, to] = [Math.floor(offset / rowBytes), Math.ceil(end / rowBytes)];
  const bytes = read(from, to).subarray(offset - from * rowBytes, end - from * rowBytes);
  if (into === undefined) return bytes;
  into.set(bytes);
  return into.subarray(0, bytes.length);
}
