/**
 * The rows of a matrix, each times a number of its own.
 *
 * @module
 */
import text from "../../kernels/scale_rows.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { perFour, requireMultiple, sizeOf } from "./launch.ts";

type Ins = { x: Value; by: Value };

/**
 * y[t] = x[t] * by[t] for x [T, width] and by [T]; nothing flows back.
 *
 * @throws {RangeError} where the numbers of rows differ.
 */
export function scaleRows(graph: Graph, x: Value, by: Value): Value {
  const [T, width] = x.shape as [number, number];
  requireMultiple(4, { width });
  if (String(by.shape) !== String([T])) {
    throw new RangeError(`Cannot scale the rows of [${x.shape}] by [${by.shape}]`);
  }
  const y = { shape: x.shape, differentiable: false };
  return graph.call(SCALE_ROWS, { x, by }, { y }, {}).y;
}

const SCALE_ROWS: Op<Ins, { y: Value }> = {
  name: "scale_rows",
  launches: ({ ins: { x, by }, outs: { y } }) => [{
    kernel: { name: "scale_rows", text },
    constants: { N: sizeOf(x), D: x.shape[1]! },
    bind: [x, by, y],
    groups: perFour(sizeOf(x)),
  }],
};
