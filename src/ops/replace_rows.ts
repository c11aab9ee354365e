/**
 * Rows of a matrix of tokens that are trained in place of what was made of them.
 *
 * @module
 */
import backwardText from "../../kernels/replace_rows_backward.wgsl" with { type: "text" };
import forwardText from "../../kernels/replace_rows.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { perFour, perRow, requireMultiple, sizeOf } from "./launch.ts";

/** Which rows are replaced: those of tokens t that are one of the ids. */
export interface Places {
  readonly token: Value; // [T], u32
  readonly ids: Value; // [N], u32, no id twice; 0xffffffff is none
}

/** Sums over more tokens would take software Vulkan more rounds than an invocation has. */
const MOST_TOKENS = 65_535;

type Ins = { x: Value; rows: Value } & { [K in keyof Places]: Value };
type Attrs = { scale: number };

/**
 * x [T, D] with scale * rows[j] in place of the row of each token that is ids[j], in place: x is dead
 * afterwards. Rows that are replaced give x no gradient.
 *
 * @throws {RangeError} where widths or counts differ, or for too many tokens.
 */
export function replaceRows(
  graph: Graph,
  x: Value, // [T, D]
  rows: Value, // [N, D]
  { token, ids }: Places,
  scale = 1,
): Value {
  const [T, D] = x.shape as [number, number];
  requireMultiple(4, { [`the width of ${rows.name}`]: D });
  if (rows.shape[1] !== D || rows.shape[0] !== ids.shape[0]) {
    throw new RangeError(
      `Found rows [${rows.shape}] for ${ids.shape[0]} ids of ${x.name} [${x.shape}], wanted ` +
        `[${ids.shape[0]},${D}]`,
    );
  }
  if (T > MOST_TOKENS) throw new RangeError(`Found ${T} tokens, wanted at most ${MOST_TOKENS}`);
  return graph.call(REPLACE_ROWS, { x, rows, token, ids }, { y: { shape: x.shape } }, { scale }).y;
}

export const REPLACE_ROWS: Op<Ins, { y: Value }, Attrs> = {
  name: "replace_rows",
  overwrites: () => ({ y: "x" }),
  launches({ ins: { rows, token, ids }, outs: { y }, attrs: { scale } }) {
    const [T, D] = y.shape as [number, number];
    return [{
      kernel: { name: "replace_rows", text: forwardText },
      constants: { T, D, N: ids.shape[0]!, SCALE: scale },
      bind: [y, rows, token, ids],
      groups: perRow(T),
    }];
  },
  backward(graph, { ins: { x, rows, token, ids }, outs: { y }, attrs }, gradients) {
    const dy = gradients.of(y)!;
    const outs = (shape: readonly number[]) => ({ d: { shape } });
    if (rows.needs) {
      const ins = { dy, token, ids };
      gradients.add(rows, graph.call(REPLACED_ROWS, ins, outs(rows.shape), attrs).d);
    }
    if (x.needs) {
      gradients.add(x, graph.call(KEPT_ROWS, { dy, rows, token, ids }, outs(x.shape), {}).d);
    }
  },
};

/** drows: the sum of the rows of dy that each row went to. */
export const REPLACED_ROWS: Op<{ dy: Value; token: Value; ids: Value }, { d: Value }, Attrs> = {
  name: "replace_rows_backward",
  launches({ ins: { dy, token, ids }, outs: { d }, attrs: { scale } }) {
    const [T, D] = dy.shape as [number, number];
    return [{
      kernel: { name: "replace_rows_backward", text: backwardText },
      constants: { T, D, N: ids.shape[0]!, SCALE: scale },
      bind: [d, dy, token, ids],
      groups: perFour(sizeOf(d)),
    }];
  },
};

/** dx: dy with 0 in the rows that were replaced, in place. */
export const KEPT_ROWS: Op<{ dy: Value; rows: Value; token: Value; ids: Value }, { d: Value }> = {
  name: "kept_rows",
  overwrites: () => ({ d: "dy" }),
  launches({ ins: { rows, token, ids }, outs: { d } }) {
    const [T, D] = d.shape as [number, number];
    return [{
      kernel: { name: "replace_rows", text: forwardText },
      constants: { T, D, N: ids.shape[0]!, SCALE: 0 },
      bind: [d, rows, token, ids],
      groups: perRow(T),
    }];
  },
};
