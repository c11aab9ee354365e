/**
 * The output head for generation: scores of the vocabulary for chosen rows.
 *
 * @module
 */
import gatherText from "../../kernels/gather_rows.wgsl" with { type: "text" };
import { type Graph, type Op, storedRows, type Value } from "../graph/graph.ts";
import { partsOf, perRow, requireMultiple } from "./launch.ts";
import { forwardLaunch } from "./linear.ts";
import { softcapLaunch } from "./softcap.ts";

/**
 * x[rows] w^T, [rows, vocabulary rounded up to a multiple of 4], capped where `cap` says so; a row
 * beyond x gives zeros. The number of rows is a multiple of 4.
 */
export function logits(graph: Graph, x: Value, w: Value, rows: Value, cap?: number): Value {
  const N = rows.shape[0]!;
  requireMultiple(4, { "the number of rows": N });
  const outs = { logits: { shape: [N, storedRows(w)] }, hidden: { shape: [N, x.shape[1]!] } };
  return graph.call(LOGITS, { x, w, rows }, outs, { cap }).logits;
}

export const LOGITS: Op<
  { x: Value; w: Value; rows: Value },
  { logits: Value; hidden: Value },
  { cap: number | undefined }
> = {
  name: "logits",
  launches({ ins: { x, w, rows }, outs: { logits, hidden }, attrs: { cap } }, target) {
    const [N, D] = hidden.shape as [number, number];
    return [
      {
        kernel: { name: "gather_rows", text: gatherText },
        constants: { T: x.shape[0]!, D, N },
        bind: [x, rows, hidden],
        groups: perRow(N),
      },
      ...partsOf(w, target.maxBinding).map((part) =>
        forwardLaunch(target, { x: hidden, w, y: logits, part })
      ),
      ...(cap ? [softcapLaunch(logits, cap)] : []),
    ];
  },
};
