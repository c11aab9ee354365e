/**
 * Root-mean-square normalisation.
 *
 * @module
 */
import backwardSharedText from "../../kernels/rms_norm_backward_shared.wgsl" with { type: "text" };
import backwardText from "../../kernels/rms_norm_backward.wgsl" with { type: "text" };
import forwardSharedText from "../../kernels/rms_norm_shared.wgsl" with { type: "text" };
import forwardText from "../../kernels/rms_norm.wgsl" with { type: "text" };
import weightText from "../../kernels/rms_norm_weight_backward.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { byRow, perRow, REDUCE, requireMultiple, sizeOf, sumRows } from "./launch.ts";

/** Ranges of rows that the weight's gradient is summed over side by side. */
const PARTS = 64;

type Ins = { x: Value; weight: Value };
type Outs = { y: Value; rstd: Value };
type Attrs = { eps: number; unit: number };

/**
 * y = x / rms(x) * (unit + weight), for each row of `weight`'s width: a token, or one head of it.
 *
 * Method: RMSNorm (Zhang and Sennrich, 2019, arXiv 1910.07467); `unit` is 1 for Gemma.
 *
 * @throws {RangeError} where the width of x is no multiple of the weight's.
 */
export function rmsNorm(graph: Graph, x: Value, weight: Value, eps: number, unit = 0): Value {
  const width = weight.shape[0] ?? 0;
  requireMultiple(4, { [`the width of ${weight.name}`]: width });
  if (x.shape.at(-1)! % width !== 0) {
    throw new RangeError(`Cannot normalise [${x.shape}] by ${weight.name} of [${weight.shape}]`);
  }
  const outs = {
    y: { shape: x.shape },
    rstd: { shape: [sizeOf(x) / width], differentiable: false },
  };
  return graph.call(RMS_NORM, { x, weight }, outs, { eps, unit }).y;
}

const sizes = (x: Value, weight: Value) => ({
  T: sizeOf(x) / weight.shape[0]!,
  D: weight.shape[0]!,
});

const FORWARD = {
  register: { name: "rms_norm", text: forwardText },
  shared: { name: "rms_norm_shared", text: forwardSharedText, imports: { reduce: REDUCE } },
};
const BACKWARD = {
  register: { name: "rms_norm_backward", text: backwardText },
  shared: {
    name: "rms_norm_backward_shared",
    text: backwardSharedText,
    imports: { reduce: REDUCE },
  },
};

export const RMS_NORM: Op<Ins, Outs, Attrs> = {
  name: "rms_norm",
  launches({ ins: { x, weight }, outs: { y, rstd }, attrs: { eps, unit } }, target) {
    return [{
      ...byRow(target, FORWARD, sizes(x, weight), { EPS: eps, UNIT: unit }),
      bind: [y, x, weight, rstd],
      matrices: 2,
    }];
  },
  backward(graph, { ins: { x, weight }, outs: { y, rstd }, attrs: { unit } }, gradients) {
    const dy = gradients.of(y)!;
    if (weight.needs) {
      const outs = {
        dweight: { shape: weight.shape },
        partial: { shape: [PARTS, weight.shape[0]!] },
      };
      const { dweight } = graph.call(RMS_NORM_WEIGHT_BACKWARD, { x, rstd, dy }, outs, {});
      gradients.add(weight, dweight);
    }
    if (x.needs) {
      const ins = { x, weight, rstd, dy, before: gradients.before(x) };
      gradients.set(x, graph.call(RMS_NORM_BACKWARD, ins, { dx: { shape: x.shape } }, { unit }).dx);
    }
  },
};

type BackwardIns = { x: Value; weight: Value; rstd: Value; dy: Value; before: Value | undefined };

/** dx, on top of what the residual stream's gradient holds already. */
export const RMS_NORM_BACKWARD: Op<BackwardIns, { dx: Value }, { unit: number }> = {
  name: "rms_norm_backward",
  overwrites: ({ ins }) => ins.before ? { dx: "before" } : {},
  launches({ ins: { x, weight, rstd, dy, before }, outs: { dx }, attrs: { unit } }, target) {
    const constants = { UNIT: unit, ADD: before !== undefined };
    return [{
      ...byRow(target, BACKWARD, sizes(x, weight), constants),
      bind: [dx, x, weight, dy, rstd],
      matrices: 3,
    }];
  },
};

/** dweight, summed in two passes of a fixed order. */
export const RMS_NORM_WEIGHT_BACKWARD: Op<
  { x: Value; rstd: Value; dy: Value },
  { dweight: Value; partial: Value }
> = {
  name: "rms_norm_weight_backward",
  launches({ ins: { x, rstd, dy }, outs: { dweight, partial } }) {
    const { T, D } = sizes(x, dweight);
    return [{
      kernel: { name: "rms_norm_weight_backward", text: weightText },
      constants: { T, D, PARTS },
      bind: [x, rstd, dy, partial],
      groups: perRow(PARTS * D / 4),
    }, sumRows(partial, dweight)];
  },
};
