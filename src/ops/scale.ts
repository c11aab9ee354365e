/**
 * A value times a number.
 *
 * @module
 */
import text from "../../kernels/scale.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { perSixteen, sizeOf } from "./launch.ts";

/** y = by * x. */
export function scale(graph: Graph, x: Value, by: number): Value {
  return graph.call(SCALE, { x }, { y: { shape: x.shape } }, { by }).y;
}

export const SCALE: Op<{ x: Value }, { y: Value }, { by: number }> = {
  name: "scale",
  launches({ ins: { x }, outs: { y }, attrs: { by } }) {
    return [{
      kernel: { name: "scale", text },
      constants: { N: sizeOf(x), BY: by },
      bind: [x, y],
      groups: perSixteen(sizeOf(x)),
    }];
  },
  backward(graph, { ins: { x }, outs: { y }, attrs: { by } }, gradients) {
    gradients.add(x, scale(graph, gradients.of(y)!, by));
  },
};
