/**
 * The gated activation of Llama's feed-forward layer.
 *
 * @module
 */
import backwardText from "../../kernels/swiglu_backward.wgsl" with { type: "text" };
import forwardText from "../../kernels/swiglu.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { perSixteen, sizeOf } from "./launch.ts";

type Ins = { gate: Value; up: Value };

/**
 * y = silu(gate) * up. Backward writes over gate and up.
 *
 * Method: SwiGLU (Shazeer, 2020, arXiv 2002.05202).
 */
export function swiglu(graph: Graph, gate: Value, up: Value): Value {
  if (String(gate.shape) !== String(up.shape)) {
    throw new RangeError(`Cannot gate [${up.shape}] by [${gate.shape}]`);
  }
  return graph.call(SWIGLU, { gate, up }, { y: { shape: gate.shape } }, {}).y;
}

export const SWIGLU: Op<Ins, { y: Value }> = {
  name: "swiglu",
  launches({ ins: { gate, up }, outs: { y } }) {
    return [{
      kernel: { name: "swiglu", text: forwardText },
      constants: { N: sizeOf(y) },
      bind: [gate, up, y],
      groups: perSixteen(sizeOf(y)),
    }];
  },
  backward(graph, { ins: { gate, up }, outs: { y } }, gradients) {
    const ins = { gate, up, dy: gradients.of(y)! };
    const outs = { dgate: { shape: gate.shape }, dup: { shape: up.shape } };
    const { dgate, dup } = graph.call(SWIGLU_BACKWARD, ins, outs, {});
    gradients.add(gate, dgate);
    gradients.add(up, dup);
  },
};

export const SWIGLU_BACKWARD: Op<Ins & { dy: Value }, { dgate: Value; dup: Value }> = {
  name: "swiglu_backward",
  overwrites: () => ({ dgate: "gate", dup: "up" }),
  launches({ ins: { dy }, outs: { dgate, dup } }) {
    return [{
      kernel: { name: "swiglu_backward", text: backwardText },
      constants: { N: sizeOf(dy) },
      bind: [dgate, dup, dy],
      groups: perSixteen(sizeOf(dy)),
    }];
  },
};
