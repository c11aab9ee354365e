/**
 * Weights that are no numbers: one of them makes every loss NaN, a long way from its cause.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { type Dtype, DTYPE_BYTES, toFloat32 } from "./dtype.ts";
import type { TensorInfo } from "./header.ts";

/** The exponents of each element type in a word of four bytes; all bits set is NaN or infinity. */
const EXPONENTS: Partial<Record<Dtype, readonly [low: number, high: number]>> = {
  F32: [0x7f800000, 0x7f800000],
  F16: [0x7c00, 0x7c000000],
  BF16: [0x7f80, 0x7f800000],
};

/** The first element of `words` that is NaN or infinite; -1 where there is none. */
function firstNonFinite(words: Uint32Array, dtype: Dtype): number {
  const [low, high] = EXPONENTS[dtype] ?? [0, 0];
  if (high === 0) return -1;
  for (let i = finiteWords(words, low, high); i < words.length; i++) {
    const word = words[i]!;
    if ((word & low) !== low && (word & high) !== high) continue;
    return low === high ? i : 2 * i + ((word & low) === low ? 0 : 1);
  }
  return -1;
}

/**
 * How many words are finite, for certain: all but a few where all are. An exponent of all bits set, and
 * no other, carries into the sign's place where one is added to its lowest bit.
 */
function finiteWords(words: Uint32Array, low: number, high: number): number {
  const exponents = low | high;
  const ones = (low & -low) | (high & -high);
  const signs = low === high ? 1 << 31 : (1 << 31) | (1 << 15);
  const carries = (i: number) => (words[i]! & exponents) + ones;
  let i = 0;
  for (; i + 3 < words.length; i += 4) {
    if (((carries(i) | carries(i + 1) | carries(i + 2) | carries(i + 3)) & signs) !== 0) break;
  }
  return i;
}

/** Looks for NaN and infinities in a tensor's bytes as they come; only in F32, F16 and BF16. */
export class FiniteCheck {
  readonly #dtype: Dtype;
  /** Bytes of a word that is not whole yet. */
  #rest = new Uint8Array();
  /** Elements of whole words so far. */
  #elements = 0;

  constructor(dtype: Dtype) {
    this.#dtype = dtype;
  }

  /** The number of the first element that is not finite; -1 where there is none. */
  take(piece: Uint8Array, isLast: boolean): number {
    const whole = isLast
      ? Math.ceil((this.#rest.length + piece.length) / 4)
      : Math.floor((this.#rest.length + piece.length) / 4);
    const isInPlace = this.#rest.length === 0 && piece.byteOffset % 4 === 0 &&
      piece.length % 4 === 0;
    const words = isInPlace
      ? new Uint32Array(piece.buffer, piece.byteOffset, whole)
      : this.#copy(piece, whole);
    const at = firstNonFinite(words, this.#dtype);
    const before = this.#elements;
    this.#elements += whole * 4 / DTYPE_BYTES[this.#dtype];
    return at < 0 ? -1 : before + at;
  }

  /** The words that the rest and a piece begin with; what lies beyond is kept. */
  #copy(piece: Uint8Array, whole: number): Uint32Array {
    const bytes = new Uint8Array(Math.max(4 * whole, this.#rest.length + piece.length));
    bytes.set(this.#rest);
    bytes.set(piece, this.#rest.length);
    this.#rest = bytes.slice(4 * whole);
    return new Uint32Array(bytes.buffer, 0, whole);
  }
}

/**
 * Refuses NaN and infinities among the elements of `tensor` that `words` hold, `from` the first of
 * them on. Looks at bits alone, so that it costs a small part of what loading does.
 *
 * @throws {FileError} that names the tensor and the element.
 */
export function refuseNonFinite(words: Uint32Array, tensor: TensorInfo, from = 0): void {
  const { name, file, dtype } = tensor;
  const at = firstNonFinite(words, dtype);
  if (at < 0) return;
  throw new FileError(
    `Cannot use tensor "${name}" in ${file}: its element ${from + at} is NaN or infinite`,
  );
}

/**
 * The elements of `tensor` in f32, none of them NaN or infinite.
 *
 * @throws {FileError} that names the tensor and the element.
 * @throws {TypeError} If its element type is not F32, F16, BF16 or F64.
 */
export function toFiniteFloat32(bytes: Uint8Array, tensor: TensorInfo): Float32Array<ArrayBuffer> {
  const values = toFloat32(bytes, tensor.dtype);
  refuseNonFinite(new Uint32Array(values.buffer), { ...tensor, dtype: "F32" });
  return values;
}
