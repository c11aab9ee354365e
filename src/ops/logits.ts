/**
 * The output head for generation: scores of the vocabulary for chosen rows.
 *
 * @module
 */
import gatherText from "../../kernels/gather_rows.wgsl" with { type: "text" };
import {
  type Graph,
  type Op,
  type OutputSpec,
  partsOf,
  storedRows,
  type Value,
} from "../graph/graph.ts";
import { downLaunch, type HeadOptions, updateOf } from "./head.ts";
import { perFour, requireMultiple } from "./launch.ts";
import { forwardLaunch } from "./linear.ts";
import { softcapLaunch } from "./softcap.ts";

/**
 * x[rows] (w + scale b a)^T, [rows, vocabulary rounded up to a multiple of 4], capped where `cap`
 * says so; a row beyond x gives zeros. The number of rows is a multiple of 4.
 */
export function logits(
  graph: Graph,
  x: Value,
  w: Value,
  rows: Value,
  { cap, adapter }: HeadOptions = {},
): Value {
  const N = rows.shape[0]!;
  requireMultiple(4, { "the number of rows": N });
  const outs: Record<string, OutputSpec> = {
    logits: { shape: [N, storedRows(w)] },
    hidden: { shape: [N, x.shape[1]!] },
    ...(adapter ? { u: { shape: [N, adapter.a.shape[0]!] } } : {}),
  };
  const { a, b, scale = 0 } = adapter ?? {};
  return graph.call(LOGITS, { x, w, a, b, rows }, outs, { cap, scale }).logits!;
}

export const LOGITS: Op<
  { x: Value; w: Value; a: Value | undefined; b: Value | undefined; rows: Value },
  { logits: Value; hidden: Value; u?: Value },
  { cap: number | undefined; scale: number }
> = {
  name: "logits",
  launches({ ins, outs: { logits, hidden, u }, attrs: { cap, scale } }, target) {
    const { x, w, rows } = ins;
    const [N, D] = hidden.shape as [number, number];
    const update = updateOf(ins, u, scale);
    return [
      {
        kernel: { name: "gather_rows", text: gatherText },
        constants: { T: x.shape[0]!, D, N },
        bind: [hidden, x, rows],
        matrices: 1,
        groups: perFour(N * D),
      },
      ...(update ? [downLaunch(target, hidden, update)] : []),
      ...partsOf(w, target.maxWords).map((part) =>
        forwardLaunch(target, { x: hidden, w, y: logits, part, u, b: update?.b })
      ),
      ...(cap ? [softcapLaunch(logits, cap)] : []),
    ];
  },
};
