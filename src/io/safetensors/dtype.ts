/**
 * The element types of safetensors files, and their conversion to and from f32. Bytes are
 * little-endian, as in the file and on every machine that WebGPU reaches.
 *
 * @module
 */

/** Bytes per element of each safetensors element type. */
export const DTYPE_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
  C64: 8,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
} as const;

/** An element type by its safetensors name. */
export type Dtype = keyof typeof DTYPE_BYTES;

/** Whether `value` names an element type whose size is known here. */
export function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(DTYPE_BYTES, value);
}

/**
 * The elements in `bytes` as a new f32 array; exact but for F64, which is rounded.
 *
 * @throws {TypeError} If `dtype` is not F32, F16, BF16 or F64.
 * @throws {RangeError} If `bytes` is not a whole number of elements.
 */
export function toFloat32(bytes: Uint8Array, dtype: Dtype): Float32Array<ArrayBuffer> {
  if (bytes.byteLength % DTYPE_BYTES[dtype] !== 0) {
    throw new RangeError(
      `Cannot convert ${bytes.byteLength} bytes of ${dtype}, wanted a multiple of ${
        DTYPE_BYTES[dtype]
      }`,
    );
  }
  // A copy, because a tensor may begin at an odd address of its file.
  const { buffer } = new Uint8Array(bytes);
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer);
    case "F16":
      return Float32Array.from(new Float16Array(buffer));
    case "BF16":
      return fromBfloat16(new Uint16Array(buffer));
    case "F64":
      return new Float32Array(new Float64Array(buffer));
    default:
      throw new TypeError(`Cannot convert ${dtype} to F32, wanted F32, F16, BF16 or F64`);
  }
}

/**
 * `values` as bytes of `dtype`, rounded to nearest, ties to even. NaN stays NaN; a value too large
 * for `dtype` becomes infinite (see {@linkcode overflowsAt}).
 *
 * @throws {TypeError} If `dtype` is not F32, F16, BF16 or F64.
 */
export function fromFloat32(values: Float32Array, dtype: Dtype): Uint8Array<ArrayBuffer> {
  switch (dtype) {
    case "F32":
      return new Uint8Array(new Float32Array(values).buffer);
    case "F16":
      return new Uint8Array(new Float16Array(values).buffer);
    case "BF16":
      return new Uint8Array(toBfloat16(values).buffer);
    case "F64":
      return new Uint8Array(new Float64Array(values).buffer);
    default:
      throw new TypeError(`Cannot convert F32 to ${dtype}, wanted F32, F16, BF16 or F64`);
  }
}

/** The smallest magnitude that {@linkcode fromFloat32} turns into infinity in `dtype`. */
export function overflowsAt(dtype: Dtype): number {
  // Half a step above the largest finite value: 65504 in F16, 0x7f7f in BF16.
  if (dtype === "F16") return 65520;
  if (dtype === "BF16") return (2 - 2 ** -8) * 2 ** 127;
  return Infinity;
}

function fromBfloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

function toBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    // Rounding could carry the payload of a NaN away and leave infinity: set its quiet bit instead.
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    halves[i] = isNaN ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return halves;
}
