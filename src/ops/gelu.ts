/**
 * The Gaussian error linear unit.
 *
 * @module
 */
import backwardText from "../../kernels/gelu_backward.wgsl" with { type: "text" };
import forwardText from "../../kernels/gelu.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { ACTIVATIONS } from "./activation.ts";
import { perSixteen, sizeOf } from "./launch.ts";

const imports = { activation: ACTIVATIONS.gelu };

/**
 * y = gelu(x) by the tanh approximation, `gelu_new` in Hugging Face configs.
 *
 * Method: GELU (Hendrycks and Gimpel, 2016, arXiv 1606.08415).
 */
export function gelu(graph: Graph, x: Value): Value {
  return graph.call(GELU, { x }, { y: { shape: x.shape } }, {}).y;
}

export const GELU: Op<{ x: Value }, { y: Value }> = {
  name: "gelu",
  launches({ ins: { x }, outs: { y } }) {
    return [{
      kernel: { name: "gelu", text: forwardText, imports },
      constants: { N: sizeOf(y) },
      bind: [x, y],
      groups: perSixteen(sizeOf(y)),
    }];
  },
  backward(graph, { ins: { x }, outs: { y } }, gradients) {
    const ins = { x, dy: gradients.of(y)! };
    gradients.add(x, graph.call(GELU_BACKWARD, ins, { dx: { shape: x.shape } }, {}).dx);
  },
};

export const GELU_BACKWARD: Op<{ x: Value; dy: Value }, { dx: Value }> = {
  name: "gelu_backward",
  overwrites: () => ({ dx: "dy" }),
  launches({ ins: { x }, outs: { dx } }) {
    return [{
      kernel: { name: "gelu_backward", text: backwardText, imports },
      constants: { N: sizeOf(dx) },
      bind: [x, dx],
      groups: perSixteen(sizeOf(dx)),
    }];
  },
};
