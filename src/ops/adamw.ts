/**
 * The update of all trained params at once, over the flat buffers of the store.
 *
 * @module
 */
import accumulateText from "../../kernels/accumulate.wgsl" with { type: "text" };
import adamwText from "../../kernels/adamw.wgsl" with { type: "text" };
import sumSquaresText from "../../kernels/sum_squares.wgsl" with { type: "text" };
import totalText from "../../kernels/total.wgsl" with { type: "text" };
import type { Bound, Graph, Op, Value } from "../graph/graph.ts";
import { perRow, perSixteen, sizeOf } from "./launch.ts";

/** Ranges that the sum of squares is taken over side by side. */
const PARTS = 1024;

/** Cuts flat numbers into bindable ranges, 256-byte aligned. */
function ranges(flat: Value, maxBinding: number): { from: number; numbers: number }[] {
  const most = Math.floor(maxBinding / 256) * 64;
  const parts = [];
  for (let from = 0; from < sizeOf(flat); from += most) {
    parts.push({ from, numbers: Math.min(most, sizeOf(flat) - from) });
  }
  return parts;
}

const range = (value: Value, from: number, numbers: number): Bound => ({
  value,
  offset: from * 4,
  size: numbers * 4,
});

/** Adds the gradients of one micro-batch to `sums`, which the first one of an update resets. */
export function accumulate(graph: Graph, gradients: Value, sums: Value, first: Value): Value {
  const out = { sum: { shape: sums.shape } };
  return graph.call(ACCUMULATE, { gradients, sums, first }, out, {}).sum;
}

export const ACCUMULATE: Op<{ gradients: Value; sums: Value; first: Value }, { sum: Value }> = {
  name: "accumulate",
  overwrites: () => ({ sum: "sums" }),
  launches({ ins: { gradients, first }, outs: { sum } }, { maxBinding }) {
    return ranges(sum, maxBinding).map(({ from, numbers }) => ({
      kernel: { name: "accumulate", text: accumulateText },
      constants: { N: numbers },
      bind: [range(gradients, from, numbers), first, range(sum, from, numbers)],
      groups: perSixteen(numbers),
    }));
  },
};

/** The sum of squares of x, [1], in two passes of a fixed order. */
export function sumSquares(graph: Graph, x: Value): Value {
  return graph.call(
    SUM_SQUARES,
    { x },
    { sum: { shape: [1] }, partial: { shape: [64 * PARTS] } },
    {},
  )
    .sum;
}

export const SUM_SQUARES: Op<{ x: Value }, { sum: Value; partial: Value }> = {
  name: "sum_squares",
  launches({ ins: { x }, outs: { sum, partial } }, { maxBinding }) {
    const parts = ranges(x, maxBinding);
    if (parts.length * PARTS > 64_000) throw new RangeError(`${sizeOf(x)} params are too many`);
    return [
      ...parts.map(({ from, numbers }, i) => ({
        kernel: { name: "sum_squares", text: sumSquaresText },
        constants: { N: numbers, PARTS },
        bind: [range(x, from, numbers), range(partial, i * PARTS, PARTS)],
        groups: perRow(PARTS),
      })),
      total(partial, sum, parts.length * PARTS),
    ];
  },
};

function total(x: Bound, y: Value, numbers: number) {
  return {
    kernel: { name: "total", text: totalText },
    constants: { N: numbers },
    bind: [x, y],
    groups: perRow(1),
  };
}

/** The sum of a few thousand numbers, [1]. */
export function sum(graph: Graph, x: Value): Value {
  return graph.call(SUM, { x }, { y: { shape: [1], differentiable: false } }, {}).y;
}

export const SUM: Op<{ x: Value }, { y: Value }> = {
  name: "sum",
  launches: ({ ins: { x }, outs: { y } }) => [total(x, y, sizeOf(x))],
};

/** The flat buffers that an update reads and writes; `step` holds eight numbers (see the kernel). */
export interface AdamwState {
  readonly params: Value;
  readonly gradients: Value;
  readonly m: Value;
  readonly v: Value;
  /** rate, decay, 1 / (1 - beta1^t), 1 / (1 - beta2^t), beta1, beta2, epsilon, clip (0 = off). */
  readonly step: Value;
  /** Sum of squares of all gradients, [1]. */
  readonly norm: Value;
}

/**
 * One update of AdamW in place, gradient clipping included.
 *
 * Method: AdamW (Loshchilov and Hutter, 2019, arXiv 1711.05101), in torch's order of operations.
 */
export function adamw(graph: Graph, state: AdamwState): Value {
  const out = { shape: state.params.shape };
  return graph.call(ADAMW, { ...state }, { p: out, m1: out, v1: out }, {}).p;
}

type AdamwIns = { [K in keyof AdamwState]: Value };

export const ADAMW: Op<AdamwIns, { p: Value; m1: Value; v1: Value }> = {
  name: "adamw",
  overwrites: () => ({ p: "params", m1: "m", v1: "v" }),
  launches({ ins: { gradients, step, norm }, outs: { p, m1, v1 } }, { maxBinding }) {
    return ranges(p, maxBinding).map(({ from, numbers }) => {
      const of = (value: Value) => range(value, from, numbers);
      return {
        kernel: { name: "adamw", text: adamwText },
        constants: { N: numbers },
        bind: [of(p), of(gradients), of(m1), of(v1), step, norm],
        groups: perSixteen(numbers),
      };
    });
  },
};
