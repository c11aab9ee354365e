/**
 * iq4_nl: one of sixteen whole numbers, closer to each other near 0, times an f16 scale. 18 bytes a
 * group of 32, laid out as q4_0's are.
 *
 * @module
 */
import loader from "../../../kernels/shared/weights_iq4_nl.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { besideGroup } from "../importance.ts";
import { putFours } from "./codes.ts";
import { GROUP, grouped } from "./grouped.ts";
import { SCALED_FOURS } from "./q4_0.ts";

/** The numbers that a code stands for, ascending: ggml's `kvalues_iq4nl`. */
const VALUES = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
/** Scales that are tried to each side of the first. */
const TRIED = 7;
/** A group of numbers no larger is one of zeros. */
const LEAST = Math.fround(1e-15);

const f = Math.fround;

export const iq4_nl: WeightFormat = grouped({
  stored: "IQ4_NL",
  ...SCALED_FOURS,
  overflowsAt: 65520 * 64,
  loader: { name: "shared/weights_iq4_nl", text: loader },

  weigh: besideGroup,

  /** The scale of the least squared error, weighted by x^2 or as asked, of 16: ggml's `quantize_iq4_nl`. */
  encode(values, from, group, at, weights) {
    const x = values.subarray(from, from + GROUP);
    const d = scaleOf(x, weights ?? x.map((v) => v * v));
    const inverse = d === 0 ? 0 : f(1 / d);
    group.setFloat16(at, d, true);
    putFours(group, at + 2, (i) => codeOf(f(inverse * x[i]!)));
  },

  decode(group, at, values, to) {
    const d = group.getFloat16(at, true);
    for (let i = 0; i < GROUP / 2; i++) {
      const byte = group.getUint8(at + 2 + i);
      values[to + i] = d * VALUES[byte & 15]!;
      values[to + GROUP / 2 + i] = d * VALUES[byte >> 4]!;
    }
  },
});

function scaleOf(x: Float32Array, weights: Float32Array): number {
  const furthest = x.reduce((most, v) => Math.abs(v) > Math.abs(most) ? v : most, 0);
  if (Math.abs(furthest) < LEAST) return 0;
  let { dot, squares } = projected(x, weights, f(1 / f(furthest / -VALUES[0]!)));
  let scale = squares > 0 ? f(dot / squares) : 0;
  let best = f(scale * dot);
  for (let off = -TRIED; off <= TRIED; off++) {
    ({ dot, squares } = projected(x, weights, f((VALUES[0]! + off) / furthest)));
    if (squares > 0 && f(dot * dot) > f(best * squares)) {
      scale = f(dot / squares);
      best = f(scale * dot);
    }
  }
  return scale;
}

/** The weighted products of the numbers, and of their codes' values, with those values. */
function projected(x: Float32Array, weights: Float32Array, inverse: number) {
  let [dot, squares] = [0, 0];
  for (let i = 0; i < GROUP; i++) {
    const q = VALUES[codeOf(f(inverse * x[i]!))]!;
    const weighted = f(weights[i]! * q);
    dot = f(dot + f(weighted * x[i]!));
    squares = f(squares + f(weighted * q));
  }
  return { dot, squares };
}

/** The code of the nearest value; of two that are as near, the higher. */
function codeOf(x: number): number {
  if (x >= VALUES[15]!) return 15;
  let high = 0;
  while (x >= VALUES[high]!) high++;
  if (high === 0) return 0;
  return f(x - VALUES[high - 1]!) < f(VALUES[high]! - x) ? high - 1 : high;
}
