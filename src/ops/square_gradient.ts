/**
 * Sums of squared gradients of frozen weights, for the diagonal of a Fisher information.
 *
 * @module
 */
import text from "../../kernels/add_squares.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { perSixteen, sizeOf } from "./launch.ts";
import { matmul } from "./matmul.ts";

type Ins = { x: Value; y: Value };
type Attrs = { squares: Value };

/**
 * y as it is, [T, out], where y is x w^T and what else: backward squares the gradient of w number
 * by number and adds that to `squares` [out, in], a state. w itself stays frozen.
 *
 * @throws {RangeError} where shapes do not fit.
 */
export function squareGradient(graph: Graph, x: Value, y: Value, squares: Value): Value {
  const [out, inner] = [y.shape[1]!, x.shape[1]!];
  if (String(squares.shape) !== String([out, inner])) {
    throw new RangeError(
      `${squares.name} is [${squares.shape}] but the gradient is [${out},${inner}]`,
    );
  }
  const { same } = graph.call(WATCH, { x, y }, { same: { shape: y.shape } }, { squares });
  Object.assign(same, { needs: true }); // there is no param above it, but backward is to come here
  return same;
}

export const WATCH: Op<Ins, { same: Value }, Attrs> = {
  name: "square_gradient",
  overwrites: () => ({ same: "y" }),
  launches: () => [],
  backward(graph, { ins: { x, y }, outs: { same }, attrs: { squares } }, gradients) {
    const dy = gradients.of(same)!;
    const dw = matmul(graph, "tn", dy, x); // [out, in]
    graph.call(ADD_SQUARES, { x: dw, squares }, { sum: { shape: squares.shape } }, {});
    if (y.needs) gradients.set(y, dy);
  },
};

export const ADD_SQUARES: Op<{ x: Value; squares: Value }, { sum: Value }> = {
  name: "add_squares",
  overwrites: () => ({ sum: "squares" }),
  launches({ ins: { x }, outs: { sum } }) {
    return [{
      kernel: { name: "add_squares", text },
      constants: { N: sizeOf(sum) },
      bind: [x, sum],
      groups: perSixteen(sizeOf(sum)),
    }];
  },
};
