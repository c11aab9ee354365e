/**
 * The header of a safetensors file: eight bytes of length, then JSON that names each tensor's
 * element type, shape and place. Checked as hard as the reference reader checks it
 * (https://github.com/huggingface/safetensors), because everything else trusts it.
 *
 * @module
 */

import { FileError } from "../../errors.ts";
import { type Dtype, DTYPE_BYTES, isDtype } from "./dtype.ts";
import { isObject, kindOf, parseJsonObject } from "../files.ts";
import { duplicateKey } from "../json.ts";

/** Where a tensor lies and what it holds. */
export interface TensorInfo {
  /** Unique in its file. */
  readonly name: string;
  /** Its element type. */
  readonly dtype: Dtype;
  /** Its sizes, outermost first; empty for a scalar. */
  readonly shape: readonly number[];
  /** Path of the file that holds it. */
  readonly file: string;
  /** Offset of its first byte in that file. */
  readonly begin: number;
  /** Its size in bytes. */
  readonly bytes: number;
}

/** What a header says. */
export interface Header {
  /** In the order of the header. */
  readonly tensors: Map<string, TensorInfo>;
  /** `__metadata__`, empty if there is none. */
  readonly metadata: Record<string, string>;
}

/** Bytes of the length that opens a file. */
export const LENGTH_BYTES = 8;

/**
 * The longest header that the Hub's own readers take (`SAFETENSORS_MAX_HEADER_LENGTH` of
 * huggingface_hub), some hundred times that of the largest models.
 */
export const MAX_HEADER_BYTES = 25_000_000;

/**
 * The length of the header, out of the first bytes of a file of `fileBytes`.
 *
 * @throws {FileError} If the file is too short, or the length is beyond its end or the limit.
 */
export function headerLength(path: string, opening: Uint8Array, fileBytes: number): number {
  if (fileBytes < LENGTH_BYTES) {
    throw new FileError(
      `Cannot read ${path}: found ${fileBytes} bytes, wanted at least ${LENGTH_BYTES} for the ` +
        "length of a safetensors header",
    );
  }
  const { buffer, byteOffset } = opening;
  const length = new DataView(buffer, byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw new FileError(
      `Cannot read ${path}: found a header of ${length} bytes, wanted at most ${MAX_HEADER_BYTES}` +
        " (is this a safetensors file?)",
    );
  }
  if (Number(length) > fileBytes - LENGTH_BYTES) {
    throw new FileError(
      `Cannot read ${path}: found a header of ${length} bytes in a file of ${fileBytes}, ` +
        "which is truncated or no safetensors file",
    );
  }
  return Number(length);
}

/**
 * The tensors and metadata that header `text` describes in a file of `fileBytes`, whose data begin
 * at `dataBegin`.
 *
 * @throws {FileError} If it is not such a header or does not account for every byte exactly once.
 */
export function parseHeader(
  path: string,
  text: string,
  dataBegin: number,
  fileBytes: number,
): Header {
  const entries = parseJsonObject(text, path);
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) {
    throw new FileError(`Cannot read ${path}: the header names "${duplicate}" twice`);
  }
  const tensors = new Map<string, TensorInfo>();
  for (const [name, entry] of Object.entries(entries)) {
    if (name !== "__metadata__") tensors.set(name, tensorInfo(path, name, entry, dataBegin));
  }
  checkCoverage(path, [...tensors.values()], dataBegin, fileBytes);
  return { tensors, metadata: parseMetadata(path, entries["__metadata__"] ?? {}) };
}

function parseMetadata(path: string, metadata: unknown): Record<string, string> {
  const isText = isObject(metadata) &&
    Object.values(metadata).every((value) => typeof value === "string");
  if (isText) return metadata as Record<string, string>;
  throw new FileError(`Cannot read ${path}: __metadata__ must be an object that maps text to text`);
}

function tensorInfo(path: string, name: string, entry: unknown, dataBegin: number): TensorInfo {
  const fault = (found: string) => new FileError(`Cannot read ${path}: tensor "${name}" ${found}`);
  if (!isObject(entry)) throw fault(`is ${kindOf(entry)}, wanted an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDtype(dtype)) {
    const known = Object.keys(DTYPE_BYTES).join(", ");
    throw fault(`has dtype ${JSON.stringify(dtype)}, wanted one of ${known}`);
  }
  if (!isSizes(shape)) {
    throw fault(`has shape ${JSON.stringify(shape)}, wanted an array of whole numbers`);
  }
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[1]! < offsets[0]!) {
    throw fault(`has data_offsets ${JSON.stringify(offsets)}, wanted [begin, end]`);
  }
  const wanted = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
  if (!Number.isSafeInteger(wanted)) throw fault(`of shape [${shape}] is too large to address`);
  const [begin, end] = offsets as [number, number];
  if (end - begin !== wanted) {
    throw fault(`has ${end - begin} bytes, wanted ${wanted} for ${dtype} [${shape}]`);
  }
  return { name, dtype, shape, file: path, begin: dataBegin + begin, bytes: wanted };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** Each byte of the data must belong to exactly one tensor: no overlap, no hole, nothing beyond. */
function checkCoverage(
  path: string,
  tensors: TensorInfo[],
  dataBegin: number,
  fileBytes: number,
): void {
  const fault = (found: string) => new FileError(`Cannot read ${path}: ${found}`);
  let covered = dataBegin;
  let last = "the header";
  for (const { name, begin, bytes } of tensors.sort(byPlace)) {
    if (begin < covered) {
      throw fault(`tensor "${name}" overlaps ${last} by ${covered - begin} bytes`);
    }
    if (begin > covered) {
      throw fault(
        `${begin - covered} bytes between ${last} and tensor "${name}" belong to nothing`,
      );
    }
    covered = begin + bytes;
    last = `tensor "${name}"`;
    if (covered > fileBytes) {
      throw fault(`${last} ends at byte ${covered}, beyond the end of the file at ${fileBytes}`);
    }
  }
  if (covered < fileBytes) {
    throw fault(`${fileBytes - covered} bytes after ${last} belong to nothing`);
  }
}

function byPlace(a: TensorInfo, b: TensorInfo): number {
  return a.begin - b.begin || a.bytes - b.bytes;
}
