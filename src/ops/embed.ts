/**
 * The token embedding.
 *
 * @module
 */
import backwardText from "../../kernels/embed_backward.wgsl" with { type: "text" };
import forwardText from "../../kernels/embed.wgsl" with { type: "text" };
import { grid } from "../gpu/program.ts";
import { type Graph, type Op, partsOf, rowsOf, storedRows, type Value } from "../graph/graph.ts";
import { perRow, requireMultiple } from "./launch.ts";
import { weightsOf } from "./tile.ts";

/** Token positions sorted by id [T], and where each id's begin [V + 1]; for trained tables only. */
export interface TokenOrder {
  readonly order: Value;
  readonly first: Value;
}

type Ins = { token: Value; table: Value; order: Value | undefined; first: Value | undefined };
type Attrs = { scale: number };

/**
 * x = scale * table[token], [T, D]. The table [V, D] is in 4x4 blocks, as a tied head reads it.
 *
 * @throws {RangeError} for a width that is no multiple of 4; in backward, without the tokens' order.
 */
export function embed(
  graph: Graph,
  token: Value,
  table: Value,
  { scale = 1, sorted }: { scale?: number; sorted?: TokenOrder | undefined } = {},
): Value {
  const [T, D] = [token.shape[0]!, table.shape[1]!];
  requireMultiple(4, { [`the width of ${table.name}`]: D });
  const ins: Ins = { token, table, order: sorted?.order, first: sorted?.first };
  return graph.call(EMBED, ins, { x: { shape: [T, D] } }, { scale }).x;
}

export const EMBED: Op<Ins, { x: Value }, Attrs> = {
  name: "embed",
  launches({ ins: { token, table }, outs: { x }, attrs: { scale } }, { maxWords }) {
    const [T, D] = x.shape as [number, number];
    const imports = weightsOf(table.type);
    return partsOf(table, maxWords).map((part) => ({
      kernel: { name: "embed", text: forwardText, imports },
      constants: { T, D, ROW0: part.from, ROWS: part.rows, SCALE: scale },
      bind: [token, x],
      weight: [rowsOf(table, part)],
      groups: perRow(T),
    }));
  },
  backward(graph, { ins: { table, order, first }, outs: { x }, attrs }, gradients) {
    if (!order || !first) throw new RangeError(`Training ${table.name} needs the tokens' order`);
    const before = gradients.before(table);
    const ins = { order, first, dx: gradients.of(x)!, before };
    const outs = { dtable: { shape: table.shape, layout: table.layout } };
    gradients.set(table, graph.call(EMBED_BACKWARD, ins, outs, attrs).dtable);
  },
};

type BackwardIns = { order: Value; first: Value; dx: Value; before: Value | undefined };

/** dtable: sums the rows of each token id, on top of a tied head's gradient. */
export const EMBED_BACKWARD: Op<BackwardIns, { dtable: Value }, Attrs> = {
  name: "embed_backward",
  overwrites: ({ ins }) => ins.before ? { dtable: "before" } : {},
  launches({ ins: { order, first, dx, before }, outs: { dtable }, attrs: { scale } }) {
    const [V, D] = dtable.shape as [number, number];
    return [{
      kernel: { name: "embed_backward", text: backwardText },
      constants: { V, D, SCALE: scale, ADD: before !== undefined },
      bind: [order, first, dx, dtable],
      groups: grid(Math.ceil(storedRows(dtable) * D / 4 / 64)),
    }];
  },
};
