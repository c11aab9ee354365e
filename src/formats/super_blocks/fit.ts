/**
 * The scales that ggml's quantiser finds for the numbers of a part of a super-block: of some that it
 * tries, those of the least weighted squared error. Each step is rounded to f32 as there, so that
 * the bytes are the same.
 *
 * Source: `make_qkx2_quants` and `make_qx_quants` of ggml, `ggml-quants.c`.
 *
 * @module
 */
const f = Math.fround;

/** Numbers that are no larger are taken for zeros. */
export const LEAST = f(1e-15);

const real = new Float32Array(1);
const bits = new Int32Array(real.buffer);

/** The nearest whole number, of two the even one, by the bits of a sum with 1.5 * 2^23. */
export function nearest(x: number): number {
  real[0] = x + 12582912;
  return (bits[0]! & 0x7fffff) - 0x400000;
}

export const clamp = (x: number, least: number, most: number): number =>
  x < least ? least : x > most ? most : x;

/** How codes from 0 to `most` are found for x = scale * code - minimum. */
export interface Search {
  readonly most: number;
  /** What is added to `most` in the first scale that is tried, which grows by a tenth. */
  readonly first: number;
  readonly steps: number;
}

const TENTH = f(0.1);
/** Scales that {@link fitScale} tries to each side of the first. */
const TRIED = 9;

const weights = new Float32Array(32);
const trial = new Uint8Array(32);

/** Finds codes of 32 numbers; how much an error counts grows with the number. */
export function fitWithMinimum(
  x: Float32Array,
  codes: Uint8Array,
  { most, first, steps }: Search,
): { scale: number; minimum: number } {
  weigh(x);
  let [min, max] = [x[0]!, x[0]!];
  let [sumW, sumX] = [0, 0];
  for (let i = 0; i < 32; i++) {
    const v = x[i]!;
    if (v < min) min = v;
    if (v > max) max = v;
    sumW = f(sumW + weights[i]!);
    sumX = f(sumX + f(weights[i]! * v));
  }
  if (min > 0) min = 0;
  if (max === min) {
    codes.fill(0);
    return { scale: 0, minimum: -min };
  }
  const inverse = f(most / f(max - min));
  let scale = f(1 / inverse);
  encode(x, codes, inverse, min, most);
  let best = errorOf(x, codes, scale, min);
  for (let step = 0; step <= steps; step++) {
    const inverse = f(f(f(first + f(TENTH * step)) + most) / f(max - min));
    encode(x, trial, inverse, min, most);
    const found = regressed(x, trial, sumW, sumX);
    if (found === undefined) continue;
    const error = errorOf(x, trial, found.scale, found.min);
    if (!(error < best)) continue;
    codes.set(trial);
    best = error;
    ({ scale, min } = found);
  }
  return { scale, minimum: -min };
}

/** The root of the mean square, plus the magnitude. */
function weigh(x: Float32Array): void {
  let squares = 0;
  for (let i = 0; i < 32; i++) squares = f(squares + f(x[i]! * x[i]!));
  const mean = f(Math.sqrt(f(squares / 32)));
  for (let i = 0; i < 32; i++) weights[i] = mean + Math.abs(x[i]!);
}

function encode(x: Float32Array, to: Uint8Array, inverse: number, min: number, most: number): void {
  for (let i = 0; i < 32; i++) {
    to[i] = clamp(nearest(f(inverse * f(x[i]! - min))), 0, most);
  }
}

/** The weighted sum of squares of scale * code + min - x. */
function errorOf(x: Float32Array, codes: Uint8Array, scale: number, min: number): number {
  let error = 0;
  for (let i = 0; i < 32; i++) {
    const off = f(f(f(scale * codes[i]!) + min) - x[i]!);
    error = f(error + f(weights[i]! * f(off * off)));
  }
  return error;
}

/** Scale and minimum of the least error for some codes, a minimum above 0 held to 0. */
function regressed(
  x: Float32Array,
  codes: Uint8Array,
  sumW: number,
  sumX: number,
): { scale: number; min: number } | undefined {
  let [sumL, sumL2, sumXL] = [0, 0, 0];
  for (let i = 0; i < 32; i++) {
    const code = codes[i]!;
    const weighted = f(weights[i]! * code);
    sumL = f(sumL + weighted);
    sumL2 = f(sumL2 + f(weighted * code));
    sumXL = f(sumXL + f(weighted * x[i]!));
  }
  const determinant = f(f(sumW * sumL2) - f(sumL * sumL));
  if (!(determinant > 0)) return undefined;
  const min = f(f(f(sumL2 * sumX) - f(sumL * sumXL)) / determinant);
  if (min > 0) return { scale: f(sumXL / sumL2), min: 0 };
  return { scale: f(f(f(sumW * sumXL) - f(sumX * sumL)) / determinant), min };
}

/** Finds codes from 0 to 63 for x = scale * (code - 32) of 16 numbers, weighted by x^2. */
export function fitScale(x: Float32Array, codes: Uint8Array): number {
  let furthest = 0;
  for (let i = 0; i < 16; i++) {
    if (Math.abs(x[i]!) > Math.abs(furthest)) furthest = x[i]!;
  }
  if (Math.abs(furthest) < LEAST) {
    codes.fill(0);
    return 0;
  }
  let { dot, squares } = project(x, f(-32 / furthest), codes);
  let scale = squares !== 0 ? f(dot / squares) : 0;
  let best = f(scale * dot);
  for (let off = -TRIED; off <= TRIED; off++) {
    if (off === 0) continue;
    ({ dot, squares } = project(x, f(-f(32 + f(TENTH * off)) / furthest), trial));
    if (!(squares > 0 && f(dot * dot) > f(best * squares))) continue;
    codes.set(trial.subarray(0, 16));
    scale = f(dot / squares);
    best = f(scale * dot);
  }
  return scale;
}

/** Puts the codes; the weighted products of the numbers, and of the codes, with the codes. */
function project(x: Float32Array, inverse: number, to: Uint8Array) {
  let [dot, squares] = [0, 0];
  for (let i = 0; i < 16; i++) {
    const v = x[i]!;
    const code = clamp(nearest(f(inverse * v)), -32, 31);
    const weight = f(v * v);
    to[i] = code + 32;
    dot = f(dot + f(f(weight * v) * code));
    squares = f(squares + f(f(weight * code) * code));
  }
  return { dot, squares };
}
