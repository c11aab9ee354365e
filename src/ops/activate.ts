/**
 * An activation by itself.
 *
 * @module
 */
import backwardText from "../../kernels/activate_backward.wgsl" with { type: "text" };
import forwardText from "../../kernels/activate.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { type Activation, ACTIVATIONS } from "./activation.ts";
import { perSixteen, sizeOf } from "./launch.ts";

type Attrs = { activation: Activation };

/**
 * y = activation(x).
 *
 * Method: GELU (Hendrycks and Gimpel, 2016, arXiv 1606.08415), and SiLU in the same paper.
 */
export function activate(graph: Graph, x: Value, activation: Activation): Value {
  return graph.call(ACTIVATE, { x }, { y: { shape: x.shape } }, { activation }).y;
}

export const ACTIVATE: Op<{ x: Value }, { y: Value }, Attrs> = {
  name: "activate",
  launches({ ins: { x }, outs: { y }, attrs: { activation } }) {
    const imports = { activation: ACTIVATIONS[activation] };
    return [{
      kernel: { name: "activate", text: forwardText, imports },
      constants: { N: sizeOf(y) },
      bind: [y, x],
      matrices: 1,
      groups: perSixteen(sizeOf(y)),
    }];
  },
  backward(graph, { ins: { x }, outs: { y }, attrs }, gradients) {
    const ins = { x, dy: gradients.of(y)! };
    gradients.add(x, graph.call(ACTIVATE_BACKWARD, ins, { dx: { shape: x.shape } }, attrs).dx);
  },
};

export const ACTIVATE_BACKWARD: Op<{ x: Value; dy: Value }, { dx: Value }, Attrs> = {
  name: "activate_backward",
  overwrites: () => ({ dx: "dy" }),
  launches({ ins: { x }, outs: { dx }, attrs: { activation } }) {
    const imports = { activation: ACTIVATIONS[activation] };
    return [{
      kernel: { name: "activate_backward", text: backwardText, imports },
      constants: { N: sizeOf(dx) },
      bind: [dx, x],
      matrices: 1,
      before: true,
      groups: perSixteen(sizeOf(dx)),
    }];
  },
};
