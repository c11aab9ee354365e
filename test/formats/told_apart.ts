/** Which formats the tests of ops run in full. */
import { type FormatName, QUANTIZED } from "../../src/formats/mod.ts";

/** Formats whose loaders are others', or pieces of them: each is held to its twin in one product. */
export const ALIKE: readonly FormatName[] = [
  "nf4_double",
  "affine_8",
  "affine_6",
  "affine_5",
  "affine_3",
  "affine_2",
];

export const TOLD_APART: readonly FormatName[] = QUANTIZED.filter((name) => !ALIKE.includes(name));
