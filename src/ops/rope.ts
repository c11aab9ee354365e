/**
 * Rotary position embedding.
 *
 * @module
 */
import byOneText from "../../kernels/rope_by_one.wgsl" with { type: "text" };
import text from "../../kernels/rope.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { perRow, requireMultiple } from "./launch.ts";

type Ins = { x: Value; position: Value; angles: Value };
type Attrs = { headDim: number; sign: 1 | -1 };

/**
 * Rotates each head of x [T, heads * headDim] by its token's position, in place: x is dead
 * afterwards. `angles` [positions, rotated] holds a position's cosines, then its sines.
 *
 * Method: RoPE (Su et al., 2021, arXiv 2104.09864), in two halves as Hugging Face does.
 */
export function rope(graph: Graph, x: Value, position: Value, angles: Value, headDim: number) {
  requireMultiple(2, { "the rotated part of a head": angles.shape[1]! });
  return rotate(graph, { x, position, angles }, { headDim, sign: 1 });
}

const rotate = (graph: Graph, ins: Ins, attrs: Attrs): Value =>
  graph.call(ROPE, ins, { y: { shape: ins.x.shape } }, attrs).y;

export const ROPE: Op<Ins, { y: Value }, Attrs> = {
  name: "rope",
  overwrites: () => ({ y: "x" }),
  launches({ ins: { position, angles }, outs: { y }, attrs: { headDim, sign } }) {
    const [T = 0, width = 0] = y.shape;
    const H = width / headDim;
    const ROTARY = angles.shape[1]!;
    const inFours = ROTARY % 8 === 0;
    return [{
      kernel: inFours ? { name: "rope", text } : { name: "rope_by_one", text: byOneText },
      constants: { T, H, D: headDim, ROTARY, SIGN: sign },
      bind: [y, angles, position],
      ...(inFours ? { matrices: 1, before: true } : {}),
      groups: perRow(T * H),
    }];
  },
  backward(graph, { ins: { x, position, angles }, outs: { y }, attrs }, gradients) {
    const dy = gradients.of(y)!;
    gradients.add(x, rotate(graph, { x: dy, position, angles }, { ...attrs, sign: -1 }));
  },
};
