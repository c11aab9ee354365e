/**
 * Layer normalisation.
 *
 * @module
 */
import backwardSharedText from "../../kernels/layer_norm_backward_shared.wgsl" with {
  type: "text",
};
import backwardText from "../../kernels/layer_norm_backward.wgsl" with { type: "text" };
import forwardSharedText from "../../kernels/layer_norm_shared.wgsl" with { type: "text" };
import forwardText from "../../kernels/layer_norm.wgsl" with { type: "text" };
import weightText from "../../kernels/layer_norm_weight_backward.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { BIAS_BACKWARD } from "./bias.ts";
import { byRow, perRow, REDUCE, requireMultiple, sumRows } from "./launch.ts";

/** Ranges of rows that the gradients of weight and bias are summed over side by side. */
const PARTS = 64;

type Ins = { x: Value; weight: Value; bias: Value };
type Outs = { y: Value; mean: Value; rstd: Value };
type Attrs = { eps: number };

/**
 * y = (x - mean(x)) / sqrt(variance(x) + eps) * weight + bias, for each row of x [T, width].
 *
 * Method: layer normalisation (Ba, Kiros and Hinton, 2016, arXiv 1607.06450).
 *
 * @throws {RangeError} where the widths differ.
 */
export function layerNorm(graph: Graph, x: Value, weight: Value, bias: Value, eps: number): Value {
  const [T = 0, width = 0] = x.shape;
  requireMultiple(4, { [`the width of ${weight.name}`]: width });
  for (const { name, shape } of [weight, bias]) {
    if (shape[0] === width) continue;
    throw new RangeError(`Cannot normalise [${x.shape}] by ${name} of [${shape}]`);
  }
  const perToken = { shape: [T], differentiable: false };
  const outs = { y: { shape: x.shape }, mean: perToken, rstd: perToken };
  return graph.call(LAYER_NORM, { x, weight, bias }, outs, { eps }).y;
}

const sizes = ({ shape }: Value) => ({ T: shape[0]!, D: shape[1]! });

const FORWARD = {
  register: { name: "layer_norm", text: forwardText },
  shared: { name: "layer_norm_shared", text: forwardSharedText, imports: { reduce: REDUCE } },
};
const BACKWARD = {
  register: { name: "layer_norm_backward", text: backwardText },
  shared: {
    name: "layer_norm_backward_shared",
    text: backwardSharedText,
    imports: { reduce: REDUCE },
  },
};

export const LAYER_NORM: Op<Ins, Outs, Attrs> = {
  name: "layer_norm",
  launches({ ins: { x, weight, bias }, outs: { y, mean, rstd }, attrs: { eps } }, target) {
    return [{
      ...byRow(target, FORWARD, sizes(x), { EPS: eps }),
      bind: [y, x, weight, bias, mean, rstd],
      matrices: 3,
    }];
  },
  backward(graph, { ins: { x, weight, bias }, outs: { y, mean, rstd } }, gradients) {
    const dy = gradients.of(y)!;
    const sums = { shape: [PARTS, weight.shape[0]!] };
    if (weight.needs) {
      const outs = { dweight: { shape: weight.shape }, partial: sums };
      const ins = { x, mean, rstd, dy };
      gradients.add(weight, graph.call(LAYER_NORM_WEIGHT_BACKWARD, ins, outs, {}).dweight);
    }
    if (bias.needs) {
      const outs = { db: { shape: bias.shape }, partial: sums };
      gradients.add(bias, graph.call(BIAS_BACKWARD, { dy }, outs, {}).db);
    }
    if (x.needs) {
      const ins = { x, weight, mean, rstd, dy, before: gradients.before(x) };
      gradients.set(x, graph.call(LAYER_NORM_BACKWARD, ins, { dx: { shape: x.shape } }, {}).dx);
    }
  },
};

type BackwardIns = {
  x: Value;
  weight: Value;
  mean: Value;
  rstd: Value;
  dy: Value;
  before: Value | undefined;
};

/** dx, on top of what the residual stream's gradient holds already. */
export const LAYER_NORM_BACKWARD: Op<BackwardIns, { dx: Value }> = {
  name: "layer_norm_backward",
  overwrites: ({ ins }) => ins.before ? { dx: "before" } : {},
  launches({ ins: { x, weight, mean, rstd, dy, before }, outs: { dx } }, target) {
    return [{
      ...byRow(target, BACKWARD, sizes(x), { ADD: before !== undefined }),
      bind: [dx, x, weight, dy, mean, rstd],
      matrices: 3,
    }];
  },
};

/** dweight, summed in two passes of a fixed order. */
export const LAYER_NORM_WEIGHT_BACKWARD: Op<
  { x: Value; mean: Value; rstd: Value; dy: Value },
  { dweight: Value; partial: Value }
> = {
  name: "layer_norm_weight_backward",
  launches({ ins: { x, mean, rstd, dy }, outs: { dweight, partial } }) {
    const { T, D } = sizes(x);
    return [{
      kernel: { name: "layer_norm_weight_backward", text: weightText },
      constants: { T, D, PARTS },
      bind: [x, mean, rstd, dy, partial],
      groups: perRow(PARTS * D / 4),
    }, sumRows(partial, dweight)];
  },
};
