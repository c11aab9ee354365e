/**
 * The tensor types of GGUF files that are written here, with the ids of ggml
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
 *
 * @module
 */
import { fromFloat32, overflowsAt, toFloat32 } from "../../io/safetensors/safetensors.ts";

/** A tensor type by its ggml name. */
export type GgufType = "F32" | "F16" | "BF16" | "Q8_0";

/** How a type stores numbers: in blocks of a whole row's part. */
export interface TensorType {
  /** `ggml_type`. */
  readonly id: number;
  /** `llama_ftype` of a file whose matrices have this type. */
  readonly fileType: number;
  /** Numbers in a block; a row holds whole blocks. */
  readonly blockLength: number;
  readonly blockBytes: number;
  /** The smallest magnitude that becomes infinite. */
  readonly overflowsAt: number;
  encode(values: Float32Array): Uint8Array<ArrayBuffer>;
  decode(bytes: Uint8Array): Float32Array<ArrayBuffer>;
}

function plain(dtype: "F32" | "F16" | "BF16", id: number, fileType: number): TensorType {
  return {
    ...{ id, fileType, blockLength: 1, blockBytes: dtype === "F32" ? 4 : 2 },
    overflowsAt: overflowsAt(dtype),
    encode: (values) => fromFloat32(values, dtype),
    decode: (bytes) => toFloat32(bytes, dtype),
  };
}

const Q8_LENGTH = 32;
const Q8_BYTES = 34;

export const TENSOR_TYPES: Readonly<Record<GgufType, TensorType>> = {
  F32: plain("F32", 0, 0),
  F16: plain("F16", 1, 1),
  BF16: plain("BF16", 30, 32),
  Q8_0: {
    ...{ id: 8, fileType: 7, blockLength: Q8_LENGTH, blockBytes: Q8_BYTES },
    overflowsAt: overflowsAt("F16") * 127,
    encode: encodeQ8,
    decode: decodeQ8,
  },
};

/** Bytes of a tensor whose rows are the last of its sizes. */
export function bytesOf(type: GgufType, shape: readonly number[]): number {
  const { blockLength, blockBytes } = TENSOR_TYPES[type];
  return shape.reduce((product, size) => product * size, 1) / blockLength * blockBytes;
}

/**
 * Blocks of 32: an f16 scale d = max|x| / 127, then round(x / d) as signed bytes, each step rounded
 * to f32 and halves away from zero, as ggml's `quantize_row_q8_0_ref`.
 */
function encodeQ8(values: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length / Q8_LENGTH * Q8_BYTES);
  const view = new DataView(bytes.buffer);
  for (let first = 0, at = 0; first < values.length; first += Q8_LENGTH, at += Q8_BYTES) {
    let largest = 0;
    for (let i = 0; i < Q8_LENGTH; i++) largest = Math.max(largest, Math.abs(values[first + i]!));
    const scale = Math.fround(largest / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    view.setFloat16(at, scale, true);
    for (let i = 0; i < Q8_LENGTH; i++) {
      view.setInt8(at + 2 + i, roundAway(values[first + i]! * inverse));
    }
  }
  return bytes;
}

function roundAway(x: number): number {
  const rounded = Math.fround(x);
  return Math.sign(rounded) * Math.floor(Math.abs(rounded) + 0.5);
}

function decodeQ8(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength / Q8_BYTES * Q8_LENGTH }, (_, i) => {
    const block = Math.floor(i / Q8_LENGTH) * Q8_BYTES;
    return view.getFloat16(block, true) * view.getInt8(block + 2 + i % Q8_LENGTH);
  });
}
