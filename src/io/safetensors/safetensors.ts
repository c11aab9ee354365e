/**
 * Safetensors files: ranged reads and streamed writes, so that no file has to fit in memory.
 *
 * @module
 */

import { FileError } from "../../errors.ts";
import { tell } from "../../progress.ts";
import { type Dtype, DTYPE_BYTES } from "./dtype.ts";
import { FiniteCheck } from "./finite.ts";
import { decodeUtf8, encodeUtf8, openFile, readAt, writeAll, writeFile } from "../files.ts";
import { type Header, headerLength, LENGTH_BYTES, parseHeader, type TensorInfo } from "./header.ts";
import { didYouMean } from "../nearest.ts";

export { type Dtype, DTYPE_BYTES, fromFloat32, overflowsAt, toFloat32 } from "./dtype.ts";
export type { TensorInfo } from "./header.ts";

/** Which bytes of a tensor to read, and where to put them. */
export interface ReadOptions {
  /** First byte, counted from the tensor's own first byte; 0 by default. */
  readonly offset?: number;
  /** Number of bytes; by default all that follow `offset`. */
  readonly length?: number;
  /** A buffer to fill from its start instead of a new one. */
  readonly into?: Uint8Array;
}

/** A tensor to write: its bytes, or a function that yields them in pieces when they are due. */
export interface TensorData {
  /** Unique in its file. */
  readonly name: string;
  /** Its element type. */
  readonly dtype: Dtype;
  /** Its sizes, outermost first; empty for a scalar. */
  readonly shape: readonly number[];
  /** Its bytes, row-major and little-endian. */
  readonly data: Uint8Array | (() => Iterable<Uint8Array>);
}

/**
 * Opens the safetensors file at `path` and checks its whole header; the data stay on disk.
 * {@linkcode writeSafetensors} has an example.
 *
 * @throws {FileError} If the file is missing or damaged, or its header lies about it.
 */
export function openSafetensors(path: string): SafetensorsFile {
  return new SafetensorsFile(path);
}

/** An open safetensors file. Close it, or hold it with `using`. */
export class SafetensorsFile implements Disposable {
  /** Its path, as it was given. */
  readonly path: string;
  /** By name, in the order of the header. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The header's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #file: Deno.FsFile;
  #isOpen = true;

  /** Use {@linkcode openSafetensors}. */
  constructor(path: string) {
    this.path = path;
    this.#file = openFile(path);
    try {
      const { tensors, metadata } = this.#readHeader();
      this.tensors = tensors;
      this.metadata = metadata;
    } catch (fault) {
      this.close();
      throw fault;
    }
  }

  /**
   * The bytes of tensor `name`, or the range of them that `options` asks for.
   *
   * @throws {FileError} If there is no such tensor or the file has shrunk since it was opened.
   * @throws {RangeError} If the range leaves the tensor or does not fit into `options.into`.
   */
  read(name: string, options: ReadOptions = {}): Uint8Array {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) {
      const near = didYouMean(name, this.tensors.keys());
      throw new FileError(`Cannot read ${this.path}: it has no tensor "${name}"${near}`);
    }
    const { offset = 0, length = tensor.bytes - offset } = options;
    if (offset < 0 || length < 0 || offset + length > tensor.bytes) {
      throw new RangeError(
        `Cannot read ${length} bytes at ${offset} of tensor "${name}", which has ${tensor.bytes}`,
      );
    }
    const into = options.into ?? new Uint8Array(length);
    if (into.byteLength < length) {
      throw new RangeError(
        `Cannot read ${length} bytes of tensor "${name}" into a buffer of ${into.byteLength}`,
      );
    }
    return readAt(this.#file, this.path, into.subarray(0, length), tensor.begin + offset);
  }

  /** Closes the file; a second call does nothing. */
  close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }

  /** Closes the file at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  #readHeader(): Header {
    const fileBytes = this.#file.statSync().size;
    const opening = new Uint8Array(LENGTH_BYTES);
    if (fileBytes >= LENGTH_BYTES) readAt(this.#file, this.path, opening, 0);
    const json = new Uint8Array(headerLength(this.path, opening, fileBytes));
    readAt(this.#file, this.path, json, LENGTH_BYTES);
    const text = decodeUtf8(json);
    if (text === undefined) {
      throw new FileError(`Cannot read ${this.path}: its safetensors header is not UTF-8`);
    }
    return parseHeader(this.path, text, LENGTH_BYTES + json.byteLength, fileBytes);
  }
}

/**
 * Writes `tensors`, in the order given, as a safetensors file. `path` appears whole or not at all:
 * the bytes go to a temporary name first. Numbers that are NaN or infinite are refused: nothing that
 * is broken leaves the program.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openSafetensors, writeSafetensors } from "@graft/lora";
 *
 * const path = `${Deno.makeTempDirSync()}/a.safetensors`;
 * const data = new Uint8Array(Float32Array.of(1, 2).buffer);
 * writeSafetensors(path, [{ name: "w", dtype: "F32", shape: [2], data }]);
 * using file = openSafetensors(path);
 * assert.deepEqual(file.tensors.get("w")?.shape, [2]);
 * ```
 *
 * @throws {RangeError} If a name comes twice or a tensor's bytes do not fill its shape.
 * @throws {FileError} If the disk refuses, or a number is not finite.
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorData[],
  metadata: Readonly<Record<string, string>> = {},
): void {
  const header = headerBytes(tensors, metadata);
  writeFile(path, (file) => {
    writeAll(file, header);
    for (const [i, tensor] of tensors.entries()) {
      writeTensor(file, path, tensor);
      tell("writing tensors", i + 1, tensors.length);
    }
  });
}

/** The size that the shape and element type of `tensor` ask for. */
export function bytesOf(tensor: Pick<TensorData, "dtype" | "shape">): number {
  return tensor.shape.reduce((product, size) => product * size, DTYPE_BYTES[tensor.dtype]);
}

/** Length and JSON, padded with spaces so that the data begin at a multiple of eight bytes. */
function headerBytes(
  tensors: readonly TensorData[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries = new Map<string, unknown>([["__metadata__", metadata]]);
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    if (entries.has(name)) {
      throw new RangeError(`Cannot write tensor "${name}": the header already has that name`);
    }
    const begin = end;
    end += bytesOf({ dtype, shape });
    entries.set(name, { dtype, shape, data_offsets: [begin, end] });
  }
  const json = encodeUtf8(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, LENGTH_BYTES);
  return bytes;
}

function writeTensor(file: Deno.FsFile, path: string, tensor: TensorData): void {
  const pieces = typeof tensor.data === "function" ? tensor.data() : [tensor.data];
  const wanted = bytesOf(tensor);
  const check = new FiniteCheck(tensor.dtype);
  let written = 0;
  for (const piece of pieces) {
    written += piece.byteLength;
    const at = check.take(piece, written >= wanted);
    if (at >= 0) {
      throw new FileError(
        `Cannot write ${path}: element ${at} of tensor "${tensor.name}" is NaN or infinite`,
      );
    }
    writeAll(file, piece);
  }
  if (written !== wanted) {
    throw new RangeError(
      `Cannot write tensor "${tensor.name}": found ${written} bytes, wanted ${wanted} for ` +
        `${tensor.dtype} [${tensor.shape}]`,
    );
  }
}
