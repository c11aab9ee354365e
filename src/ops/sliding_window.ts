/**
 * Sliding windows of attention over packed documents.
 *
 * @module
 */
import text from "../../kernels/sliding_window.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import type { Documents } from "./heads.ts";
import { perRow } from "./launch.ts";

/**
 * Documents in which a row sees the last `window` rows, itself included, for the attention ops.
 *
 * Method: sliding window attention (Beltagy et al., 2020, arXiv 2004.05150), as in Mistral.
 */
export function slidingWindow(graph: Graph, docs: Documents, window: number): Documents {
  const shape = docs.start.shape;
  const spec = { shape, type: "u32", differentiable: false } as const;
  const ins = { start: docs.start, end: docs.end };
  const { first, past } = graph.call(SLIDING_WINDOW, ins, { first: spec, past: spec }, { window });
  return { start: first, end: past };
}

export const SLIDING_WINDOW: Op<
  { start: Value; end: Value },
  { first: Value; past: Value },
  { window: number }
> = {
  name: "sliding_window",
  launches({ ins: { start, end }, outs: { first, past }, attrs: { window } }) {
    const T = start.shape[0]!;
    return [{
      kernel: { name: "sliding_window", text },
      constants: { T, WINDOW: window },
      bind: [start, end, first, past],
      groups: perRow(T),
    }];
  },
};
