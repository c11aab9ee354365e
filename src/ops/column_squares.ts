/**
 * Sums of squared activations by column, over the rows of all replays: what each column of the matrix
 * that reads them is multiplied by.
 *
 * @module
 */
import text from "../../kernels/column_squares.wgsl" with { type: "text" };
import { grid } from "../gpu/program.ts";
import type { Graph, Op, Value } from "../graph/graph.ts";
import { requireMultiple } from "./launch.ts";

type Ins = { x: Value; used: Value; squares: Value };

/** Rows that a loop of the kernel ends before. */
const MOST_ROWS = 65536;

/**
 * Adds to `squares` [D], a state, the squares of x [T, D] in the rows before `used` [1], an input;
 * nothing flows back.
 *
 * @throws {RangeError} where shapes do not fit.
 */
export function columnSquares(graph: Graph, x: Value, used: Value, squares: Value): Value {
  const [T, D] = x.shape as [number, number];
  requireMultiple(4, { D });
  if (String(squares.shape) !== String([D])) {
    throw new RangeError(`${squares.name} is [${squares.shape}] but x has ${D} columns`);
  }
  if (T >= MOST_ROWS) throw new RangeError(`Found ${T} rows, wanted fewer than ${MOST_ROWS}`);
  const spec = { sum: { shape: squares.shape, differentiable: false } };
  return graph.call(COLUMN_SQUARES, { x, used, squares }, spec, {}).sum;
}

const COLUMN_SQUARES: Op<Ins, { sum: Value }> = {
  name: "column_squares",
  overwrites: () => ({ sum: "squares" }),
  launches({ ins: { x, used }, outs: { sum } }) {
    const [T, D] = x.shape as [number, number];
    return [{
      kernel: { name: "column_squares", text },
      constants: { T, D },
      bind: [x, used, sum],
      groups: grid(Math.ceil(D / 32)),
    }];
  },
};
