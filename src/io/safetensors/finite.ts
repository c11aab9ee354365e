/**
 * Weights that are no numbers: one of them makes every loss NaN, a long way from its cause.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { type Dtype, toFloat32 } from "./dtype.ts";
import type { TensorInfo } from "./header.ts";

/** The exponents of each element type in a word of four bytes; all bits set is NaN or infinity. */
const EXPONENTS: Partial<Record<Dtype, readonly [low: number, high: number]>> = {
  F32: [0x7f800000, 0x7f800000],
  F16: [0x7c00, 0x7c000000],
  BF16: [0x7f80, 0x7f800000],
};

/**
 * Refuses NaN and infinities among the elements of `tensor` that `words` hold, `from` the first of
 * them on. Looks at bits alone, so that it costs a small part of what loading does.
 *
 * @throws {FileError} that names the tensor and the element.
 */
export function refuseNonFinite(words: Uint32Array, tensor: TensorInfo, from = 0): void {
  const { name, file, dtype } = tensor;
  const [low, high] = EXPONENTS[dtype] ?? [0, 0];
  if (high === 0) return;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if ((word & low) !== low && (word & high) !== high) continue;
    const perWord = low === high ? 1 : 2;
    const element = from + i * perWord + ((word & low) === low ? 0 : 1);
    throw new FileError(
      `Cannot use tensor "${name}" in ${file}: its element ${element} is NaN or infinite`,
    );
  }
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
