/**
 * The scales that ggml's quantiser finds for the numbers of a group: of some that it tries, those of
 * the least weighted squared error. Each step is rounded to f32 as there, so that the bytes are the
 * same.
 *
 * Source: `make_qkx2_quants`, `make_qkx3_quants`, `make_qx_quants` and `make_qp_quants` of ggml,
 * `ggml-quants.c`.
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
  /** What is added to `most` in the first scale that is tried. */
  readonly first: number;
  /** By what that grows from one to the next. */
  readonly growth: number;
  readonly steps: number;
}

const TENTH = f(0.1);

/** What ggml tries where columns are of unequal importance. */
export const BY_IMPORTANCE = { first: f(-0.9), growth: f(0.05), steps: 36 } as const;

/** Scales that {@link fitScale} and {@link fitScales} try to each side of the first. */
const [TRIED, TRIED_OF_SCALES] = [9, 4];
/** Times that {@link fitScales} looks for a better code of each number. */
const ROUNDS = 5;

const magnitudes = new Float32Array(32);
const trial = new Uint8Array(32);

/** Finds codes of 32 numbers; `weights` are what their errors count. */
export function fitWithMinimum(
  x: Float32Array,
  codes: Uint8Array,
  { most, first, growth, steps }: Search,
  weights: Float32Array = byMagnitude(x),
): { scale: number; minimum: number } {
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
  let best = errorOf(x, weights, codes, scale, min);
  for (let step = 0; step <= steps; step++) {
    const inverse = f(f(f(first + f(growth * step)) + most) / f(max - min));
    encode(x, trial, inverse, min, most);
    const found = regressed(x, weights, trial, sumW, sumX);
    if (found === undefined) continue;
    const error = errorOf(x, weights, trial, found.scale, found.min);
    if (!(error < best)) continue;
    codes.set(trial);
    best = error;
    ({ scale, min } = found);
  }
  return { scale, minimum: -min };
}

/** The root of the mean square, plus the magnitude. */
function byMagnitude(x: Float32Array): Float32Array {
  let squares = 0;
  for (let i = 0; i < 32; i++) squares = f(squares + f(x[i]! * x[i]!));
  const mean = f(Math.sqrt(f(squares / 32)));
  for (let i = 0; i < 32; i++) magnitudes[i] = mean + Math.abs(x[i]!);
  return magnitudes;
}

function encode(x: Float32Array, to: Uint8Array, inverse: number, min: number, most: number): void {
  for (let i = 0; i < 32; i++) {
    to[i] = clamp(nearest(f(inverse * f(x[i]! - min))), 0, most);
  }
}

/** The weighted sum of squares of scale * code + min - x. */
function errorOf(
  x: Float32Array,
  weights: Float32Array,
  codes: Uint8Array,
  scale: number,
  min: number,
): number {
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
  weights: Float32Array,
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

/**
 * Finds codes from 0 to 2 `half` - 1 for x = scale * (code - `half`); `weights` are what errors
 * count, x^2 where absent.
 */
export function fitScale(
  x: Float32Array,
  codes: Uint8Array,
  half: number,
  weights?: Float32Array,
): number {
  let furthest = 0;
  for (let i = 0; i < x.length; i++) {
    if (Math.abs(x[i]!) > Math.abs(furthest)) furthest = x[i]!;
  }
  if (Math.abs(furthest) < LEAST) {
    codes.fill(0);
    return 0;
  }
  let { dot, squares } = project(x, f(-half / furthest), codes, half, weights);
  let scale = squares !== 0 ? f(dot / squares) : 0;
  let best = f(scale * dot);
  for (let off = -TRIED; off <= TRIED; off++) {
    if (off === 0) continue;
    const inverse = f(-f(half + f(TENTH * off)) / furthest);
    ({ dot, squares } = project(x, inverse, trial, half, weights));
    if (!(squares > 0 && f(dot * dot) > f(best * squares))) continue;
    codes.set(trial.subarray(0, x.length));
    scale = f(dot / squares);
    best = f(scale * dot);
  }
  return scale;
}

/** Puts the codes; the weighted products of the numbers, and of the codes, with the codes. */
function project(
  x: Float32Array,
  inverse: number,
  to: Uint8Array,
  half: number,
  weights: Float32Array | undefined,
) {
  let [dot, squares] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    const v = x[i]!;
    const code = clamp(nearest(f(inverse * v)), -half, half - 1);
    const weight = weights?.[i] ?? f(v * v);
    to[i] = code + half;
    dot = f(dot + f(f(weight * v) * code));
    squares = f(squares + f(f(weight * code) * code));
  }
  return { dot, squares };
}

/**
 * Finds codes from 0 to `most` for x = scale * code of numbers that are none below 0, such as the
 * scales of parts: of some scales the best, then code by code what lessens the error.
 */
export function fitScales(
  x: Float32Array,
  codes: Uint8Array,
  most: number,
  weights: Float32Array,
): number {
  const largest = x.reduce((a, b) => Math.max(a, b), 0);
  if (largest < LEAST) {
    codes.fill(0);
    return 0;
  }
  const inverse = bestInverse(x, largest, most, weights);
  let [dot, squares] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    const code = Math.min(most, nearest(f(inverse * x[i]!)));
    codes[i] = code;
    dot = f(dot + f(f(weights[i]! * x[i]!) * code));
    squares = f(squares + f(f(weights[i]! * code) * code));
  }
  for (let round = 0; round < ROUNDS; round++) {
    let changed = false;
    for (let i = 0; i < x.length; i++) {
      const [weighted, weight, code] = [f(weights[i]! * x[i]!), weights[i]!, codes[i]!];
      const [dotOf, squaresOf] = [
        f(dot - f(weighted * code)),
        f(squares - f(f(weight * code) * code)),
      ];
      if (!(dotOf > 0 && squaresOf > 0)) continue;
      const other = Math.min(most, nearest(f(f(x[i]! * squaresOf) / dotOf)));
      if (other === code) continue;
      const [newDot, newSquares] = [
        f(dotOf + f(weighted * other)),
        f(squaresOf + f(f(weight * other) * other)),
      ];
      if (!(f(f(newDot * newDot) * squares) > f(f(dot * dot) * newSquares))) continue;
      codes[i] = other;
      [dot, squares, changed] = [newDot, newSquares, true];
    }
    if (!changed) break;
  }
  return squares > 0 ? f(dot / squares) : 0;
}

/** Of some inverse scales that of the least error; the first is tried before the others. */
function bestInverse(
  x: Float32Array,
  largest: number,
  most: number,
  weights: Float32Array,
): number {
  const errorAt = (inverse: number, limit: (code: number) => number) => {
    const scale = f(1 / inverse);
    let error = 0;
    for (let i = 0; i < x.length; i++) {
      const off = f(x[i]! - f(scale * limit(nearest(f(inverse * x[i]!)))));
      error = f(error + f(f(weights[i]! * off) * off));
    }
    return error;
  };
  let inverse = f(most / largest);
  let best = errorAt(inverse, (code) => code & 255);
  for (let off = -TRIED_OF_SCALES; off <= TRIED_OF_SCALES; off++) {
    if (off === 0) continue;
    const tried = f(f(f(TENTH * off) + most) / largest);
    const error = errorAt(tried, (code) => Math.min(most, code));
    if (!(error < best)) continue;
    [best, inverse] = [error, tried];
  }
  return inverse;
}
