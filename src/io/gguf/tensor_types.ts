/**
 * The tensor types of GGUF files, those too that no format is built for, so that a file is checked
 * and refused by name. Sources: `ggml.h` and `llama.h`; the Python package `gguf`, `constants.py`.
 *
 * @module
 */

/** How a type stores numbers: in blocks of a whole row's part. */
export interface TensorType {
  /** `ggml_type`. */
  readonly id: number;
  /** Numbers in a block; a row holds whole blocks. */
  readonly blockLength: number;
  readonly blockBytes: number;
  /** `llama_ftype` of a file whose matrices have this type. */
  readonly fileType: number;
}

/** `LLAMA_FTYPE_GUESSED`: for types that no file has all its matrices in. */
const GUESSED = 1024;

function type(id: number, blockLength: number, blockBytes: number, fileType = GUESSED): TensorType {
  return { id, blockLength, blockBytes, fileType };
}

/** A tensor type by its ggml name. */
export type GgufType =
  | "F32"
  | "F16"
  | "Q4_0"
  | "Q4_1"
  | "Q5_0"
  | "Q5_1"
  | "Q8_0"
  | "Q8_1"
  | "Q2_K"
  | "Q3_K"
  | "Q4_K"
  | "Q5_K"
  | "Q6_K"
  | "Q8_K"
  | "IQ2_XXS"
  | "IQ2_XS"
  | "IQ3_XXS"
  | "IQ1_S"
  | "IQ4_NL"
  | "IQ3_S"
  | "IQ2_S"
  | "IQ4_XS"
  | "I8"
  | "I16"
  | "I32"
  | "I64"
  | "F64"
  | "IQ1_M"
  | "BF16"
  | "TQ1_0"
  | "TQ2_0"
  | "MXFP4";

/** All types. */
export const TENSOR_TYPES: Readonly<Record<GgufType, TensorType>> = {
  F32: type(0, 1, 4, 0),
  F16: type(1, 1, 2, 1),
  Q4_0: type(2, 32, 18, 2),
  Q4_1: type(3, 32, 20, 3),
  Q5_0: type(6, 32, 22, 8),
  Q5_1: type(7, 32, 24, 9),
  Q8_0: type(8, 32, 34, 7),
  Q8_1: type(9, 32, 36),
  Q2_K: type(10, 256, 84, 10),
  Q3_K: type(11, 256, 110),
  Q4_K: type(12, 256, 144),
  Q5_K: type(13, 256, 176),
  Q6_K: type(14, 256, 210, 18),
  Q8_K: type(15, 256, 292),
  IQ2_XXS: type(16, 256, 66, 19),
  IQ2_XS: type(17, 256, 74, 20),
  IQ3_XXS: type(18, 256, 98, 23),
  IQ1_S: type(19, 256, 50, 24),
  IQ4_NL: type(20, 32, 18, 25),
  IQ3_S: type(21, 256, 110, 26),
  IQ2_S: type(22, 256, 82, 28),
  IQ4_XS: type(23, 256, 136, 30),
  I8: type(24, 1, 1),
  I16: type(25, 1, 2),
  I32: type(26, 1, 4),
  I64: type(27, 1, 8),
  F64: type(28, 1, 8),
  IQ1_M: type(29, 256, 56, 31),
  BF16: type(30, 1, 2, 32),
  TQ1_0: type(34, 256, 54, 36),
  TQ2_0: type(35, 256, 66, 37),
  MXFP4: type(39, 32, 17),
};

/** The type with a `ggml_type`; undefined where it is not known. */
export function typeOf(id: number): GgufType | undefined {
  return (Object.keys(TENSOR_TYPES) as GgufType[]).find((name) => TENSOR_TYPES[name].id === id);
}

/** Bytes of a tensor whose rows are the last of its sizes. */
export function bytesOf(type: GgufType, shape: readonly number[]): number {
  const { blockLength, blockBytes } = TENSOR_TYPES[type];
  return shape.reduce((product, size) => product * size, 1) / blockLength * blockBytes;
}
