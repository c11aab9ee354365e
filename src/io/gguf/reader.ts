/**
 * Reads GGUF files of versions 2 and 3: the whole header at once, tensors by ranges.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { decodeUtf8, openFile, readAt } from "../files.ts";
import { VALUE_TYPES } from "./metadata.ts";
import { bytesOf, type GgufType, TENSOR_TYPES, typeOf } from "./tensor_types.ts";
import { align, ALIGNMENT, MAGIC, VERSION } from "./writer.ts";

/** A value as JavaScript has it; 64-bit whole numbers beyond 2^53 lose digits. */
export type PlainValue = number | boolean | string | PlainValue[];

/** Where a tensor lies and what it holds. */
export interface GgufTensorInfo {
  readonly name: string;
  readonly type: GgufType;
  /** Outermost first. */
  readonly shape: readonly number[];
  readonly begin: number;
  readonly bytes: number;
}

/** An open GGUF file. Hold it with `using`. */
export class GgufFile implements Disposable {
  readonly metadata: ReadonlyMap<string, PlainValue>;
  readonly tensors: ReadonlyMap<string, GgufTensorInfo>;
  readonly #file: Deno.FsFile;

  /** Use {@linkcode openGguf}. */
  constructor(readonly path: string) {
    this.#file = openFile(path);
    try {
      const cursor = new Cursor(path, this.#file);
      const { tensors, entries } = readCounts(cursor);
      this.metadata = readMetadata(cursor, entries);
      this.tensors = readTensors(cursor, tensors, this.metadata.get("general.alignment"));
    } catch (fault) {
      this.#file.close();
      throw fault;
    }
  }

  /** Bytes of tensor `name`, from `offset` on. */
  read(name: string, offset = 0, length?: number): Uint8Array<ArrayBuffer> {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new FileError(`${this.path} has no tensor "${name}"`);
    const count = length ?? tensor.bytes - offset;
    if (offset < 0 || count < 0 || offset + count > tensor.bytes) {
      throw new RangeError(`Cannot read ${count} bytes at ${offset} of tensor "${name}"`);
    }
    return readAt(this.#file, this.path, new Uint8Array(count), tensor.begin + offset);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/**
 * Opens a GGUF file and reads its header.
 *
 * @throws {FileError} where it is missing or damaged, or says of its tensors what cannot be.
 */
export function openGguf(path: string): GgufFile {
  return new GgufFile(path);
}

function readCounts(cursor: Cursor): { tensors: number; entries: number } {
  if (cursor.uint32() !== MAGIC) throw cursor.fault("it does not begin with GGUF");
  const version = cursor.uint32();
  if (version !== 2 && version !== VERSION) {
    throw cursor.fault(`it is of version ${version}, wanted 2 or ${VERSION}`);
  }
  return { tensors: cursor.count(), entries: cursor.count() };
}

function readMetadata(cursor: Cursor, entries: number): Map<string, PlainValue> {
  const metadata = new Map<string, PlainValue>();
  for (let i = 0; i < entries; i++) {
    const key = cursor.string();
    if (metadata.has(key)) throw cursor.fault(`it has the key "${key}" twice`);
    metadata.set(key, cursor.value(cursor.uint32()));
  }
  return metadata;
}

function readTensors(
  cursor: Cursor,
  count: number,
  alignment: PlainValue = ALIGNMENT,
): Map<string, GgufTensorInfo> {
  if (typeof alignment !== "number" || !(alignment >= 8 && alignment % 8 === 0)) {
    throw cursor.fault(`general.alignment is ${alignment}, wanted a multiple of 8`);
  }
  const found = Array.from({ length: count }, () => readTensor(cursor));
  const dataBegin = align(cursor.position, alignment);
  const tensors = new Map<string, GgufTensorInfo>();
  for (const tensor of found) {
    const begin = dataBegin + tensor.begin;
    const { name, bytes } = tensor;
    if (tensors.has(name)) throw cursor.fault(`it has tensor "${name}" twice`);
    if (tensor.begin % alignment !== 0 || !(begin + bytes <= cursor.fileBytes)) {
      throw cursor.fault(
        `tensor "${name}" takes ${bytes} bytes from byte ${begin} on, wanted a multiple of ` +
          `${alignment} within the ${cursor.fileBytes} bytes of the file`,
      );
    }
    tensors.set(name, { ...tensor, begin });
  }
  refuseOverlap(cursor, [...tensors.values()]);
  return tensors;
}

/** The most sizes of a tensor; `GGML_MAX_DIMS` of ggml. */
const MAX_SIZES = 4;

function readTensor(cursor: Cursor): GgufTensorInfo {
  const name = cursor.string();
  const sizes = cursor.uint32();
  if (sizes > MAX_SIZES) {
    throw cursor.fault(`tensor "${name}" has ${sizes} sizes, wanted at most ${MAX_SIZES}`);
  }
  const shape = Array.from({ length: sizes }, () => cursor.uint64()).reverse();
  const id = cursor.uint32();
  const type = typeOf(id);
  if (type === undefined) throw cursor.fault(`tensor "${name}" has type ${id}, which is not known`);
  const { blockLength } = TENSOR_TYPES[type];
  if ((shape.at(-1) ?? 1) % blockLength !== 0) {
    throw cursor.fault(
      `tensor "${name}" is ${type} of [${shape}], wanted rows of a multiple of ${blockLength}`,
    );
  }
  return { name, type, shape, begin: cursor.uint64(), bytes: bytesOf(type, shape) };
}

function refuseOverlap(cursor: Cursor, tensors: readonly GgufTensorInfo[]): void {
  const sorted = tensors.toSorted((a, b) => a.begin - b.begin);
  for (const [i, { name, begin }] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before === undefined || before.begin + before.bytes <= begin) continue;
    throw cursor.fault(`tensor "${name}" begins inside tensor "${before.name}"`);
  }
}

const PAGE = 1 << 20;

/** Lists in lists; files have none. */
const MAX_DEPTH = 4;

/** Reads little-endian values one after another, a page of the file at a time. */
class Cursor {
  position = 0;
  readonly fileBytes: number;
  #page = new DataView(new ArrayBuffer(0));
  #pageBegin = 0;

  constructor(readonly path: string, private readonly file: Deno.FsFile) {
    this.fileBytes = file.statSync().size;
  }

  fault(found: string): FileError {
    return new FileError(`Cannot read ${this.path}: ${found}`);
  }

  uint32(): number {
    return this.#next(4, (view, at) => view.getUint32(at, true));
  }

  uint64(): number {
    return this.#next(8, (view, at) => Number(view.getBigUint64(at, true)));
  }

  /** A number of things that follow, each of at least a byte. */
  count(): number {
    const count = this.uint64();
    if (count <= this.fileBytes - this.position) return count;
    throw this.fault(`it announces ${count} entries in ${this.fileBytes} bytes`);
  }

  string(): string {
    const length = this.count();
    const text = this.#next(
      length,
      (view, at) => decodeUtf8(new Uint8Array(view.buffer, at, length)),
    );
    if (text === undefined) throw this.fault(`the text before byte ${this.position} is not UTF-8`);
    return text;
  }

  value(type: number, depth = 0): PlainValue {
    const next = (bytes: number, read: (view: DataView, at: number) => number) =>
      this.#next(bytes, read);
    switch (type) {
      case VALUE_TYPES.uint8:
        return next(1, (view, at) => view.getUint8(at));
      case VALUE_TYPES.int8:
        return next(1, (view, at) => view.getInt8(at));
      case VALUE_TYPES.uint16:
        return next(2, (view, at) => view.getUint16(at, true));
      case VALUE_TYPES.int16:
        return next(2, (view, at) => view.getInt16(at, true));
      case VALUE_TYPES.uint32:
        return this.uint32();
      case VALUE_TYPES.int32:
        return next(4, (view, at) => view.getInt32(at, true));
      case VALUE_TYPES.float32:
        return next(4, (view, at) => view.getFloat32(at, true));
      case VALUE_TYPES.bool:
        return next(1, (view, at) => view.getUint8(at)) === 1;
      case VALUE_TYPES.string:
        return this.string();
      case VALUE_TYPES.array: {
        if (depth === MAX_DEPTH) throw this.fault(`its lists nest deeper than ${MAX_DEPTH}`);
        const inner = this.uint32();
        return Array.from({ length: this.count() }, () => this.value(inner, depth + 1));
      }
      case VALUE_TYPES.uint64:
        return this.uint64();
      case VALUE_TYPES.int64:
        return next(8, (view, at) => Number(view.getBigInt64(at, true)));
      case VALUE_TYPES.float64:
        return next(8, (view, at) => view.getFloat64(at, true));
      default:
        throw this.fault(`it has a value of type ${type} before byte ${this.position}`);
    }
  }

  #next<T>(bytes: number, read: (view: DataView, at: number) => T): T {
    if (this.position + bytes > this.#pageBegin + this.#page.byteLength) this.#turn(bytes);
    const found = read(this.#page, this.position - this.#pageBegin);
    this.position += bytes;
    return found;
  }

  #turn(bytes: number): void {
    const length = Math.min(Math.max(bytes, PAGE), this.fileBytes - this.position);
    if (length < bytes) throw this.fault(`it ends inside its header, at byte ${this.fileBytes}`);
    const page = readAt(this.file, this.path, new Uint8Array(length), this.position);
    this.#page = new DataView(page.buffer);
    this.#pageBegin = this.position;
  }
}
