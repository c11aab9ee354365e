/**
 * The gated activation of feed-forward layers.
 *
 * @module
 */
import backwardText from "../../kernels/glu_backward.wgsl" with { type: "text" };
import forwardText from "../../kernels/glu.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { type Activation, ACTIVATIONS } from "./activation.ts";
import { perSixteen, sizeOf } from "./launch.ts";

type Ins = { gate: Value; up: Value };
type Attrs = { activation: Activation };

/**
 * y = activation(gate) * up. Backward writes over gate and up.
 *
 * Method: SwiGLU and GEGLU (Shazeer, 2020, arXiv 2002.05202).
 *
 * @throws {RangeError} where the shapes differ.
 */
export function glu(graph: Graph, gate: Value, up: Value, activation: Activation): Value {
  if (String(gate.shape) !== String(up.shape)) {
    throw new RangeError(`Cannot gate [${up.shape}] by [${gate.shape}]`);
  }
  return graph.call(GLU, { gate, up }, { y: { shape: gate.shape } }, { activation }).y;
}

export const GLU: Op<Ins, { y: Value }, Attrs> = {
  name: "glu",
  launches({ ins: { gate, up }, outs: { y }, attrs: { activation } }) {
    return [{
      kernel: {
        name: "glu",
        text: forwardText,
        imports: { activation: ACTIVATIONS[activation] },
      },
      constants: { N: sizeOf(y) },
      bind: [y, gate, up],
      matrices: 2,
      groups: perSixteen(sizeOf(y)),
    }];
  },
  backward(graph, { ins: { gate, up }, outs: { y }, attrs }, gradients) {
    const ins = { gate, up, dy: gradients.of(y)! };
    const outs = { dgate: { shape: gate.shape }, dup: { shape: up.shape } };
    const { dgate, dup } = graph.call(GLU_BACKWARD, ins, outs, attrs);
    gradients.add(gate, dgate);
    gradients.add(up, dup);
  },
};

export const GLU_BACKWARD: Op<
  Ins & { dy: Value },
  { dgate: Value; dup: Value },
  Attrs
> = {
  name: "glu_backward",
  overwrites: () => ({ dgate: "gate", dup: "up" }),
  launches({ ins: { dy }, outs: { dgate, dup }, attrs: { activation } }) {
    return [{
      kernel: {
        name: "glu_backward",
        text: backwardText,
        imports: { activation: ACTIVATIONS[activation] },
      },
      constants: { N: sizeOf(dy) },
      bind: [dgate, dy, dup],
      matrices: 1,
      before: true,
      groups: perSixteen(sizeOf(dy)),
    }];
  },
};
