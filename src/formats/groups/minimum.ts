/**
 * Groups with a scale and a minimum in f16: what q4_1 and q5_1 differ in is where a code lies.
 *
 * @module
 */
import { BY_IMPORTANCE, fitWithMinimum } from "../fit.ts";
import { GROUP } from "./grouped.ts";

/** Numbers of a group on their way into it. */
interface Rounding {
  readonly values: Float32Array;
  readonly from: number;
  readonly group: DataView;
  readonly at: number;
  /** What each number counts; all alike where absent. */
  readonly weights: Float32Array | undefined;
}

/**
 * Writes scale d and minimum: d = (max - min) / most and codes (x - min) / d rounded, as ggml's
 * `quantize_row_q4_1_ref` and `_q5_1_ref`; with weights those of the least error, as its `_impl`.
 *
 * @param most the largest code.
 * @returns the code of each number.
 */
export function roundWithMinimum(
  { values, from, group, at, weights }: Rounding,
  most: number,
): Uint8Array {
  const codes = new Uint8Array(GROUP);
  const x = values.subarray(from, from + GROUP);
  if (weights) {
    const { scale, minimum } = fitWithMinimum(x, codes, { most, ...BY_IMPORTANCE }, weights);
    group.setFloat16(at, scale, true);
    group.setFloat16(at + 2, -minimum, true);
    return codes;
  }
  const least = Math.min(...x);
  const d = Math.fround(Math.fround(Math.max(...x) - least) / most);
  const inverse = d === 0 ? 0 : Math.fround(1 / d);
  group.setFloat16(at, d, true);
  group.setFloat16(at + 2, least, true);
  for (let i = 0; i < GROUP; i++) {
    const scaled = Math.fround(Math.fround(x[i]! - least) * inverse);
    codes[i] = Math.min(most, Math.trunc(Math.fround(scaled + 0.5)));
  }
  return codes;
}
