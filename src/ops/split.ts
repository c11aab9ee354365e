/**
 * A matrix cut into ranges of columns.
 *
 * @module
 */
import text from "../../kernels/columns.wgsl" with { type: "text" };
import type { Graph, Launch, Op, OutputSpec, Value } from "../graph/graph.ts";
import { perRow, requireMultiple } from "./launch.ts";

type Parts = Readonly<Record<string, Value>>;

/** Each row of the matrix is so many rows to split. */
type Attrs = { heads: number };

/**
 * The columns of x [T, width] in parts of the given widths, one after another; with several heads
 * those of each, x [T, heads * width], so that a part is [T, heads * its width].
 *
 * @throws {RangeError} where the widths do not add up to that of x, or are no multiples of 4.
 */
export function split(graph: Graph, x: Value, widths: readonly number[], heads = 1): Value[] {
  const [T, width] = x.shape as [number, number];
  for (const part of widths) requireMultiple(4, { "the width of a part": part });
  if (heads * widths.reduce((sum, part) => sum + part, 0) !== width) {
    throw new RangeError(`Cannot split [${x.shape}] into ${heads} times columns of ${widths}`);
  }
  const outs = Object.fromEntries(
    widths.map((part, i): [string, OutputSpec] => [`part ${i}`, { shape: [T, heads * part] }]),
  );
  return Object.values(graph.call(SPLIT, { x }, outs, { heads }));
}

export const SPLIT: Op<{ x: Value }, Parts, Attrs> = {
  name: "split",
  launches: ({ ins: { x }, outs, attrs: { heads } }) =>
    inColumns(Object.values(outs), heads, ({ part, T, D, column }) => ({
      kernel: { name: "columns", text },
      constants: { T, D, X_STRIDE: x.shape[1]! / heads, X_COLUMN: column, Y_STRIDE: D },
      bind: [x, part],
      groups: perRow(T),
    })),
  backward(graph, { ins: { x }, outs, attrs }, gradients) {
    const ins = Object.fromEntries(
      Object.entries(outs).map(([name, part]) => [name, gradients.of(part)!]),
    );
    gradients.add(x, graph.call(SPLIT_BACKWARD, ins, { dx: { shape: x.shape } }, attrs).dx);
  },
};

/** dx: the gradients of the parts side by side. */
export const SPLIT_BACKWARD: Op<Parts, { dx: Value }, Attrs> = {
  name: "split_backward",
  launches: ({ ins, outs: { dx }, attrs: { heads } }) =>
    inColumns(Object.values(ins), heads, ({ part, T, D, column }) => ({
      kernel: { name: "columns", text },
      constants: { T, D, X_STRIDE: D, Y_STRIDE: dx.shape[1]! / heads, Y_COLUMN: column },
      bind: [part, dx],
      groups: perRow(T),
    })),
};

interface Placed {
  readonly part: Value;
  readonly T: number;
  readonly D: number;
  /** Where the part begins in the whole. */
  readonly column: number;
}

function inColumns(
  parts: readonly Value[],
  heads: number,
  launch: (placed: Placed) => Launch,
): Launch[] {
  let column = 0;
  return parts.map((part) => {
    const [T, D] = [part.shape[0]! * heads, part.shape[1]! / heads];
    column += D;
    return launch({ part, T, D, column: column - D });
  });
}
