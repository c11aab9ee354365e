/**
 * Noise on embeddings.
 *
 * @module
 */
import text from "../../kernels/noise.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { DRAW, HASH } from "./dropout.ts";
import type { Documents } from "./heads.ts";
import { perSixteen, requireMultiple, sizeOf } from "./launch.ts";

/** How much noise, and which. */
export interface Noise {
  readonly alpha: number;
  readonly seed: number;
}

/** Where no layer of an adapter draws its numbers. */
const LAYER = 0xffffffff;

type Ins = { x: Value; draw: Value; start: Value; end: Value };

/**
 * x [T, D] with uniform numbers of up to alpha / sqrt(L D) added, where L is the number of tokens of
 * each row's document. The numbers are those of the graph's {@link DRAW}.
 *
 * Method: NEFTune (Jain et al., 2023, arXiv 2310.05914).
 *
 * @throws {RangeError} where D is no multiple of 4.
 */
export function noise(
  graph: Graph,
  x: Value,
  { start, end }: Pick<Documents, "start" | "end">,
  options: Noise,
): Value {
  requireMultiple(4, { "the width of an embedding": x.shape[1]! });
  const ins = { x, draw: graph.input(DRAW, [1]), start, end };
  return graph.call(NOISE, ins, { y: { shape: x.shape } }, options).y;
}

export const NOISE: Op<Ins, { y: Value }, Noise> = {
  name: "noise",
  launches: ({ ins: { x, draw, start, end }, outs: { y }, attrs: { alpha, seed } }) => [{
    kernel: { name: "noise", text, imports: { hash: HASH } },
    constants: { N: sizeOf(x), D: x.shape[1]!, SEED: seed >>> 0, LAYER, ALPHA: alpha },
    bind: [x, draw, start, end, y],
    groups: perSixteen(sizeOf(x)),
  }],
  backward: (_graph, { ins: { x }, outs: { y } }, gradients) => gradients.add(x, gradients.of(y)!),
};
