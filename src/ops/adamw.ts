/**
 * The update of all trained params at once, over the flat buffers of the store.
 *
 * @module
 */
import accumulateText from "../../kernels/accumulate.wgsl" with { type: "text" };
import adamwText from "../../kernels/adamw.wgsl" with { type: "text" };
import haltText from "../../kernels/halt.wgsl" with { type: "text" };
import sumSquaresText from "../../kernels/sum_squares.wgsl" with { type: "text" };
import sumSharedText from "../../kernels/sum_shared.wgsl" with { type: "text" };
import totalText from "../../kernels/total.wgsl" with { type: "text" };
import type { Bound, Graph, Launch, Op, Target, Value } from "../graph/graph.ts";
import { perRow, perSixteen, REDUCE, sizeOf } from "./launch.ts";

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

/** Settings of AdamW. */
export interface AdamwSettings {
  readonly decay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Largest gradient norm; 0 is off. */
  readonly clip: number;
}

/** How many numbers {@link adamwStep} makes. */
export const STEP_SIZE = 10;

/** What the kernel wants to know of update `t`, counted from 1, at learning rate `rate`. */
export function adamwStep(rate: number, t: number, settings: AdamwSettings): Float32Array {
  const { decay, beta1, beta2, epsilon, clip } = settings;
  const corrections = [1 / (1 - beta1 ** t), 1 / (1 - beta2 ** t)];
  return Float32Array.of(
    rate,
    decay,
    ...corrections,
    beta1,
    beta2,
    1 - beta1,
    1 - beta2,
    epsilon,
    clip,
  );
}

/** The flat buffers that an update reads and writes; `step` is what {@link adamwStep} makes. */
export interface AdamwState {
  readonly params: Value;
  readonly gradients: Value;
  readonly m: Value;
  readonly v: Value;
  readonly step: Value; // [STEP_SIZE]
  /** Sum of squares of all gradients, [1]. */
  readonly norm: Value;
  /** Not 0: the update is left out, [1]; what {@link halt} makes. */
  readonly halted: Value;
}

/** Numbers of a flat buffer, 256-byte aligned. */
export interface FlatRange {
  readonly from: number;
  readonly numbers: number;
}

/**
 * One update of AdamW in place, gradient clipping included.
 *
 * Method: AdamW (Loshchilov and Hutter, 2019, arXiv 1711.05101), in torch's order of operations.
 *
 * @param undecayed what weight decay leaves alone, in ascending order.
 */
export function adamw(
  graph: Graph,
  state: AdamwState,
  undecayed: readonly FlatRange[] = [],
): Value {
  const out = { shape: state.params.shape };
  return graph.call(ADAMW, { ...state }, { p: out, m1: out, v1: out }, { undecayed }).p;
}

/** Cuts ranges where weight decay begins and ends. */
function byDecay(
  ranges: readonly FlatRange[],
  undecayed: readonly FlatRange[],
): (FlatRange & { decays: boolean })[] {
  const edges = undecayed.flatMap(({ from, numbers }) => [from, from + numbers]);
  return ranges.flatMap(({ from, numbers }) => {
    const end = from + numbers;
    const cuts = [from, ...new Set(edges.filter((edge) => from < edge && edge < end)), end];
    return cuts.slice(1).map((to, i) => {
      const begin = cuts[i]!;
      const isLeft = ({ from, numbers }: FlatRange) => from <= begin && begin < from + numbers;
      return { from: begin, numbers: to - begin, decays: !undecayed.some(isLeft) };
    });
  });
}

type AdamwIns = { [K in keyof AdamwState]: Value };

type AdamwAttrs = { undecayed: readonly FlatRange[] };

export const ADAMW: Op<AdamwIns, { p: Value; m1: Value; v1: Value }, AdamwAttrs> = {
  name: "adamw",
  overwrites: () => ({ p: "params", m1: "m", v1: "v" }),
  launches({ ins, outs: { p, m1, v1 }, attrs: { undecayed } }, { maxBinding }) {
    const { gradients, step, norm, halted } = ins;
    return byDecay(ranges(p, maxBinding), undecayed).map(({ from, numbers, decays }) => {
      const of = (value: Value) => range(value, from, numbers);
      return {
        kernel: { name: "adamw", text: adamwText },
        constants: { N: numbers, DECAYS: decays },
        bind: [of(p), of(gradients), of(m1), of(v1), step, norm, halted],
        groups: perSixteen(numbers),
      };
    });
  },
};
