/**
 * The bias of a linear layer.
 *
 * @module
 */
import text from "../../kernels/bias.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { perRow, requireMultiple, sumRows } from "./launch.ts";

/** Ranges of rows that the gradient is summed over side by side. */
const PARTS = 64;

type Ins = { x: Value; b: Value };

/**
 * y = x + b in each row of x [T, width], in place: x is dead afterwards.
 *
 * @throws {RangeError} where the widths differ.
 */
export function bias(graph: Graph, x: Value, b: Value): Value {
  const width = x.shape[1]!;
  requireMultiple(4, { [`the width of ${b.name}`]: width });
  if (b.shape[0] !== width) {
    throw new RangeError(`${b.name} is [${b.shape}] but its input is [${x.shape}]`);
  }
  return graph.call(BIAS, { x, b }, { y: { shape: x.shape } }, {}).y;
}

export const BIAS: Op<Ins, { y: Value }> = {
  name: "bias",
  overwrites: () => ({ y: "x" }),
  launches({ ins: { b }, outs: { y } }) {
    const [T, D] = y.shape as [number, number];
    return [{
      kernel: { name: "bias", text },
      constants: { T, D },
      bind: [y, b],
      groups: perRow(T),
    }];
  },
  backward(graph, { ins: { x, b }, outs: { y } }, gradients) {
    const dy = gradients.of(y)!;
    if (x.needs) gradients.add(x, dy);
    if (b.needs) {
      const outs = { db: { shape: b.shape }, partial: { shape: [PARTS, b.shape[0]!] } };
      gradients.add(b, graph.call(BIAS_BACKWARD, { dy }, outs, {}).db);
    }
  },
};

/** db, summed in two passes of a fixed order. */
export const BIAS_BACKWARD: Op<{ dy: Value }, { db: Value; partial: Value }> = {
  name: "bias_backward",
  launches({ ins: { dy }, outs: { db, partial } }) {
    return [sumRows(dy, partial, PARTS), sumRows(partial, db)];
  },
};
