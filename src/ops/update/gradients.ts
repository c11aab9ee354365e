/**
 * What comes of gradients before an update: their sums over micro-batches, the norm, and whether it
 * is a number.
 *
 * @module
 */
import accumulateText from "../../../kernels/accumulate.wgsl" with { type: "text" };
import haltText from "../../../kernels/halt.wgsl" with { type: "text" };
import sumSquaresText from "../../../kernels/sum_squares.wgsl" with { type: "text" };
import sumSharedText from "../../../kernels/sum_shared.wgsl" with { type: "text" };
import totalText from "../../../kernels/total.wgsl" with { type: "text" };
import type { Bound, Graph, Launch, Op, Target, Value } from "../../graph/graph.ts";
import { perRow, perSixteen, REDUCE, sizeOf } from "../launch.ts";
import { range, ranges } from "./flat.ts";

/** Ranges that the sum of squares is taken over side by side. */
const PARTS = 1024;

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
  launches({ ins: { x }, outs: { sum, partial } }, target) {
    const parts = ranges(x, target.maxBinding);
    if (parts.length * PARTS > 64_000) throw new RangeError(`${sizeOf(x)} params are too many`);
    return [
      ...parts.map(({ from, numbers }, i) =>
        squares(target, range(x, from, numbers), range(partial, i * PARTS, PARTS), numbers)
      ),
      total(target, partial, sum, parts.length * PARTS),
    ];
  },
};

/** y[p] = sum of squares over the p-th of PARTS shares of x. */
function squares({ kernelSet }: Target, x: Bound, y: Bound, N: number): Launch {
  if (kernelSet === "shared") return sumShared(x, y, { N, PARTS, SQUARES: true });
  return {
    kernel: { name: "sum_squares", text: sumSquaresText },
    constants: { N, PARTS },
    bind: [x, y],
    groups: perRow(PARTS),
  };
}

/** y[0] = sum of x. */
function total({ kernelSet }: Target, x: Bound, y: Value, N: number): Launch {
  if (kernelSet === "shared") return sumShared(x, y, { N, PARTS: 1 });
  return {
    kernel: { name: "total", text: totalText },
    constants: { N },
    bind: [x, y],
    groups: perRow(1),
  };
}

type SumConstants = { N: number; PARTS: number; SQUARES?: boolean };

function sumShared(x: Bound, y: Bound, constants: SumConstants): Launch {
  return {
    kernel: { name: "sum_shared", text: sumSharedText, imports: { reduce: REDUCE } },
    constants,
    bind: [x, y],
    groups: [constants.PARTS],
  };
}

/** The sum of a few thousand numbers, [1]. */
export function sum(graph: Graph, x: Value): Value {
  return graph.call(SUM, { x }, { y: { shape: [1], differentiable: false } }, {}).y;
}

export const SUM: Op<{ x: Value }, { y: Value }> = {
  name: "sum",
  launches: ({ ins: { x }, outs: { y } }, target) => [total(target, x, y, sizeOf(x))],
};

/**
 * Whether updates are halted, [1]: `halted` once `norm`, [1], was no finite number, until the host
 * clears it.
 */
export function halt(graph: Graph, norm: Value, halted: Value): Value {
  return graph.call(HALT, { norm, halted }, { halts: { shape: [1], type: "u32" } }, {}).halts;
}

export const HALT: Op<{ norm: Value; halted: Value }, { halts: Value }> = {
  name: "halt",
  overwrites: () => ({ halts: "halted" }),
  launches: ({ ins: { norm }, outs: { halts } }) => [{
    kernel: { name: "halt", text: haltText },
    constants: {},
    bind: [norm, halts],
    groups: [1],
  }],
};
