/**
 * The scores that a small head gives chosen rows.
 *
 * @module
 */
import gatherText from "../../kernels/gather_rows.wgsl" with { type: "text" };
import { type Graph, type Op, type OutputSpec, storedRows, type Value } from "../graph/graph.ts";
import { chunkGradient, fill, unscoreChunk } from "./head.ts";
import { perFour, requireMultiple } from "./launch.ts";
import { forwardLaunch } from "./linear.ts";
import { productLaunch } from "./matmul.ts";

type Ins = {
  x: Value; // [T, D]
  w: Value; // [K, D], blocks
  rows: Value; // [S]
  weight: Value; // [S, stored rows of w]
};
type Outs = Record<"scores" | "hidden", Value> & { dx?: Value; dhidden?: Value; dw?: Value };

/**
 * x[rows] w^T, [S, K rounded up to a multiple of 4]; a row beyond x gives zeros. S is a multiple of 4.
 * What is minimised is the sum of `weight` times the scores: `weight` is the derivative of any loss of
 * the scores by them.
 */
export function linearScores(
  graph: Graph,
  x: Value,
  w: Value,
  rows: Value,
  weight: Value,
): Value {
  const [T, D] = x.shape as [number, number];
  const S = rows.shape[0]!;
  requireMultiple(4, { "the number of rows": S });
  const scratch = (shape: number[]): OutputSpec => ({ shape, differentiable: false });
  const outs: Record<string, OutputSpec> = {
    scores: { shape: [S, storedRows(w)] },
    hidden: scratch([S, D]),
    ...(x.needs ? { dx: scratch([T, D]), dhidden: chunkGradient(graph, w, S) } : {}),
    ...(w.needs ? { dw: { ...scratch([...w.shape]), layout: w.layout } } : {}),
  };
  return graph.call(LINEAR_SCORES, { x, w, rows, weight }, outs, {}).scores!;
}

export const LINEAR_SCORES: Op<Ins, Outs, Record<never, never>> = {
  name: "linear_scores",
  launches({ ins: { x, w, rows, weight }, outs: { scores, hidden, dx, dhidden, dw } }, target) {
    const [S, D] = hidden.shape as [number, number];
    const part = { from: 0, rows: storedRows(w) };
    return [
      {
        kernel: { name: "gather_rows", text: gatherText },
        constants: { T: x.shape[0]!, D, N: S },
        bind: [hidden, x, rows],
        matrices: 1,
        groups: perFour(S * D),
      },
      forwardLaunch(target, { x: hidden, w, y: scores, part }),
      ...(dx
        ? [
          fill(dx),
          ...unscoreChunk(target, { x, w, rows, logits: weight, gate: 0 }, {
            ...{ dx, dhidden: dhidden!, v: undefined },
          }),
        ]
        : []),
      ...(dw ? [productLaunch(target, "tn", { a: weight, b: hidden, c: dw })] : []),
    ];
  },
  backward(_graph, { ins: { x, w }, outs: { dx, dw } }, gradients) {
    if (x.needs) gradients.add(x, dx!);
    if (w.needs) gradients.add(w, dw!);
  },
};
