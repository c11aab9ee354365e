/**
 * The registry of weight formats.
 *
 * @module
 */
import { bf16 } from "./bf16.ts";
import { f16 } from "./f16.ts";
import { f32 } from "./f32.ts";
import type { WeightFormat } from "./format.ts";
import { affine_2, affine_3, affine_4, affine_5, affine_6, affine_8 } from "./groups/affine.ts";
import { iq4_nl } from "./groups/iq4_nl.ts";
import { int8 } from "./groups/int8.ts";
import { mxfp4 } from "./groups/mxfp4.ts";
import { nf4 } from "./groups/nf4.ts";
import { nf4_double } from "./groups/nf4_double.ts";
import { q4_0 } from "./groups/q4_0.ts";
import { q4_1 } from "./groups/q4_1.ts";
import { q5_0 } from "./groups/q5_0.ts";
import { q5_1 } from "./groups/q5_1.ts";
import { q8_0 } from "./groups/q8_0.ts";
import { q4_k } from "./super_blocks/q4_k.ts";
import { q5_k } from "./super_blocks/q5_k.ts";
import { q6_k } from "./super_blocks/q6_k.ts";

export { encodeMatrix, fileBytes, type WeightFormat } from "./format.ts";

/** The name of a format. */
export type FormatName =
  | ("f32" | "f16" | "bf16")
  | ("q8_0" | "q6_k" | "q5_k" | "q5_1" | "q5_0" | "q4_k" | "q4_1" | "q4_0" | "iq4_nl" | "nf4")
  | ("nf4_double" | "int8" | "mxfp4")
  | ("affine_8" | "affine_6" | "affine_5" | "affine_4" | "affine_3" | "affine_2");

/** All formats: one is its file, its loader, and its name here. */
export const FORMATS: Readonly<Record<FormatName, WeightFormat>> = {
  f32,
  f16,
  bf16,
  q8_0,
  q6_k,
  q5_k,
  q5_1,
  q5_0,
  q4_k,
  q4_1,
  q4_0,
  iq4_nl,
  nf4,
  nf4_double,
  mxfp4,
  int8,
  affine_8,
  affine_6,
  affine_5,
  affine_4,
  affine_3,
  affine_2,
};

/** All names, those of single numbers first. */
export const FORMAT_NAMES = Object.keys(FORMATS) as FormatName[];

/** Formats of single numbers. */
export const PLAIN: readonly FormatName[] = FORMAT_NAMES.filter((n) => FORMATS[n].group === 1);

/** Formats that a base can be rounded to as it is loaded. */
export const QUANTIZED: readonly FormatName[] = FORMAT_NAMES.filter((n) => FORMATS[n].group > 1);

/**
 * The format for rows of so many columns where `format` is wanted: it itself, or what takes its
 * place where they are no whole groups; undefined where neither fits.
 */
export function fitting(format: FormatName, columns: number): FormatName | undefined {
  const { group, fallback } = FORMATS[format];
  if (columns % group === 0) return format;
  return fallback === undefined ? undefined : fitting(formatOf(fallback)!, columns);
}

/**
 * What the embedding and the head are rounded to where other matrices are rounded to `format`: no
 * less than eight bits, as llama.cpp's own files keep more for them.
 */
export function formatOfTables(format: FormatName): FormatName {
  const { group, groupBytes } = FORMATS[format];
  return groupBytes < group ? "q8_0" : format;
}

/** The format that files call `stored`, such as `BF16` or `Q8_0`; undefined where none is built. */
export function formatOf(stored: string): FormatName | undefined {
  return FORMAT_NAMES.find((name) => FORMATS[name].stored === stored);
}
