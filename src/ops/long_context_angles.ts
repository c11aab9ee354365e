/**
 * The choice between two tables of angles by the length of documents.
 *
 * @module
 */
import text from "../../kernels/long_context_angles.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import type { Documents } from "./heads.ts";
import { perRow } from "./launch.ts";

type Ins = { start: Value; end: Value; position: Value };
type Attrs = { than: number; offset: number };

/**
 * What {@link "./rope.ts"} takes for positions where documents of more than `than` tokens turn by a
 * second table, which begins at row `offset` of the angles.
 */
export function longContextAngles(
  graph: Graph,
  { start, end }: Documents,
  position: Value,
  attrs: Attrs,
): Value {
  const row = { shape: position.shape, type: "u32", differentiable: false } as const;
  return graph.call(LONG_CONTEXT_ANGLES, { start, end, position }, { row }, attrs).row;
}

export const LONG_CONTEXT_ANGLES: Op<Ins, { row: Value }, Attrs> = {
  name: "long_context_angles",
  launches({ ins: { start, end, position }, outs: { row }, attrs: { than, offset } }) {
    const T = row.shape[0]!;
    return [{
      kernel: { name: "long_context_angles", text },
      constants: { T, THAN: than, OFFSET: offset },
      bind: [start, end, position, row],
      groups: perRow(T),
    }];
  },
};
