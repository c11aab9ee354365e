/**
 * What a weight format is: how the numbers of a frozen matrix lie in a file and on the device.
 *
 * @module
 */
import type { Text } from "../gpu/kernel.ts";

/**
 * One format of frozen matrices. In a file numbers lie row by row, in groups of columns that share
 * scales; on the device in 4x4 blocks, with the scales of a block beside it, so that both products
 * of a linear layer read the same words. What differs between formats is in its file and loader.
 */
export interface WeightFormat {
  /** Its name in GGUF files and, for those that safetensors knows, there. */
  readonly stored: string;
  /** Columns that share scales; a row holds whole groups. */
  readonly group: number;
  /** Bytes of a group in a file. */
  readonly groupBytes: number;
  /** Where the f16 scales and minima of a group lie in a file, in halves of 16 bits. */
  readonly scales: readonly number[];
  /** Where its scales that are powers of two lie, in bytes: 255 is NaN. */
  readonly powers: readonly number[];
  /** Numbers of this magnitude, and beyond it, are refused before they are encoded. */
  readonly overflowsAt: number;
  /** The format for rows that are no whole groups of this one, as llama.cpp's quantiser chooses it. */
  readonly fallback?: string | undefined;
  /**
   * Whole rows of `columns` numbers, rounded to what a file holds. `importance` [columns] is what
   * errors in each column count, where the format {@link WeightFormat.heedsImportance}.
   */
  encode(values: Float32Array, columns: number, importance?: Float32Array): Uint8Array<ArrayBuffer>;
  /**
   * Rounds in place what depends on all rows of a matrix, once each is encoded; `groups` are those of
   * a file, without rows that only fill a band.
   */
  settle?(groups: Uint8Array): void;
  /** Whether some codes are better than others by what their errors count. */
  readonly heedsImportance?: boolean | undefined;
  /** The numbers that the bytes of a file stand for. */
  decode(bytes: Uint8Array): Float32Array<ArrayBuffer>;
  /** Bytes that a matrix takes on the device. `rows` is a multiple of 4. */
  bytes(rows: number, columns: number): number;
  /** Rows as a file has them, a multiple of 4, as the loader reads them. */
  pack(rows: Uint8Array, columns: number): Uint8Array<ArrayBuffer>;
  /** {@link WeightFormat.pack} the other way. */
  unpack(packed: Uint8Array, rows: number, columns: number): Uint8Array<ArrayBuffer>;
  /** `weights(block) -> mat4x4f` in WGSL; its words come through `word(i)`. */
  readonly loader: Text;
  /** What the loader imports beside `words`. */
  readonly pieces?: Readonly<Record<string, Text>> | undefined;
}

/** A whole matrix in rows of `columns`, rounded to what a file holds. */
export function encodeMatrix(
  format: WeightFormat,
  values: Float32Array,
  columns: number,
): Uint8Array<ArrayBuffer> {
  const bytes = format.encode(values, columns);
  format.settle?.(bytes);
  return bytes;
}

/** Bytes of some rows as a file has them. */
export function fileBytes({ group, groupBytes }: WeightFormat, numbers: number): number {
  return numbers / group * groupBytes;
}
