/** Which formats the tests of ops run in full. */
import { type FormatName, QUANTIZED } from "../../src/formats/mod.ts";

/** Affine formats whose loaders are others' pieces put together: each is held to its twin in one product. */
export const ALIKE: readonly FormatName[] = [
  "affine_8",
  "affine_6",
  "affine_5",
  "affine_3",
  "affine_2",
];

export const TOLD_APART: readonly FormatName[] = QUANTIZED.filter((name) => !ALIKE.includes(name));
