/**
 * Writes GGUF files of version 3, streamed: memory does not grow with the tensors
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
 *
 * @module
 */
import { tell } from "../../progress.ts";
import { encodeUtf8, writeAll, writeFile } from "../files.ts";
import { type Metadata, type MetadataValue, VALUE_TYPES } from "./metadata.ts";
import { bytesOf, type GgufType, TENSOR_TYPES } from "./tensor_types.ts";

export const MAGIC = 0x46554747; // "GGUF"
export const VERSION = 3;
/** Tensors begin at multiples of it. */
export const ALIGNMENT = 32;

/** A tensor to write, whose bytes are made when they are due. */
export interface GgufTensor {
  readonly name: string;
  readonly type: GgufType;
  /** Outermost first, as safetensors has them; the file has them the other way round. */
  readonly shape: readonly number[];
  data(): Iterable<Uint8Array>;
}

/**
 * Writes `tensors`, in the order given. `path` appears whole or not at all.
 *
 * @throws {RangeError} if a name comes twice or a tensor's bytes do not fill its shape.
 * @throws {FileError} if the disk refuses.
 */
export function writeGguf(
  path: string,
  metadata: Metadata,
  tensors: readonly GgufTensor[],
): void {
  const header = headerBytes(metadata, tensors);
  writeFile(path, (file) => {
    writeAll(file, header);
    for (const [i, tensor] of tensors.entries()) {
      writeTensor(file, tensor);
      tell("writing tensors", i + 1, tensors.length);
    }
  });
}

/** The next multiple of the alignment. */
export const align = (bytes: number, alignment = ALIGNMENT): number =>
  Math.ceil(bytes / alignment) * alignment;

function headerBytes(metadata: Metadata, tensors: readonly GgufTensor[]): Uint8Array {
  const out = new Bytes();
  out.uint32(MAGIC);
  out.uint32(VERSION);
  out.uint64(tensors.length);
  out.uint64(metadata.size);
  for (const [key, value] of metadata) {
    out.string(key);
    putValue(out, value);
  }
  const names = new Set<string>();
  let offset = 0;
  for (const { name, type, shape } of tensors) {
    if (names.has(name)) throw new RangeError(`Cannot write tensor "${name}" twice`);
    names.add(name);
    out.string(name);
    out.uint32(shape.length);
    for (const size of shape.toReversed()) out.uint64(size);
    out.uint32(TENSOR_TYPES[type].id);
    out.uint64(offset);
    offset += align(bytesOf(type, shape));
  }
  return out.padded(ALIGNMENT);
}

function putValue(out: Bytes, { type, value }: MetadataValue): void {
  if (!Array.isArray(value)) {
    out.uint32(VALUE_TYPES[type]);
    return putScalar(out, type, value as number | boolean | string);
  }
  out.uint32(VALUE_TYPES.array);
  out.uint32(VALUE_TYPES[type]);
  out.uint64(value.length);
  for (const item of value) putScalar(out, type, item);
}

function putScalar(
  out: Bytes,
  type: MetadataValue["type"],
  value: number | boolean | string,
): void {
  if (type === "string") out.string(value as string);
  else if (type === "bool") out.uint8(value ? 1 : 0);
  else if (type === "float32") out.float32(value as number);
  else if (type === "int32") out.uint32((value as number) >>> 0);
  else out.uint32(value as number);
}

function writeTensor(file: Deno.FsFile, tensor: GgufTensor): void {
  let written = 0;
  for (const piece of tensor.data()) {
    writeAll(file, piece);
    written += piece.byteLength;
  }
  const wanted = bytesOf(tensor.type, tensor.shape);
  if (written !== wanted) {
    throw new RangeError(
      `Cannot write tensor "${tensor.name}": found ${written} bytes, wanted ${wanted} for ` +
        `${tensor.type} [${tensor.shape}]`,
    );
  }
  writeAll(file, new Uint8Array(align(written) - written));
}

/** A growing buffer of little-endian values. */
class Bytes {
  #view = new DataView(new ArrayBuffer(1 << 16));
  #length = 0;

  uint8(value: number): void {
    const at = this.#take(1); // may replace the view
    this.#view.setUint8(at, value);
  }

  uint32(value: number): void {
    const at = this.#take(4); // may replace the view
    this.#view.setUint32(at, value, true);
  }

  uint64(value: number): void {
    const at = this.#take(8); // may replace the view
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  float32(value: number): void {
    const at = this.#take(4); // may replace the view
    this.#view.setFloat32(at, value, true);
  }

  string(text: string): void {
    const bytes = encodeUtf8(text);
    this.uint64(bytes.byteLength);
    const at = this.#take(bytes.byteLength);
    new Uint8Array(this.#view.buffer).set(bytes, at);
  }

  padded(multiple: number): Uint8Array {
    this.#take(Math.ceil(this.#length / multiple) * multiple - this.#length);
    return new Uint8Array(this.#view.buffer, 0, this.#length);
  }

  /** The offset of `count` more bytes. */
  #take(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#view.byteLength) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(new Uint8Array(this.#view.buffer));
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
