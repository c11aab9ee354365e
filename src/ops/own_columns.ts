/**
 * The columns of a matrix that belong to its rows: what each row sees of several adapters side by side.
 *
 * @module
 */
import text from "../../kernels/own_columns.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { perFour, requireMultiple, sizeOf } from "./launch.ts";

/** Whose the ranks of a low-rank update are that holds those of several adapters. */
export interface Owners {
  /** The number of the adapter that each rank is of. */
  readonly owner: Value; // [rank]
  /** What each rank's adapter is scaled by. */
  readonly scales: Value; // [rank]
  /** The number of the adapter that each row goes through; another number for none. */
  readonly of: Value; // [T], u32
}

type Ins = { z: Value; owner: Value; scales: Value; of: Value };

/**
 * y = z * scales in the columns [T, rank] that are of a row's own adapter, and 0 in the others. Has no
 * backward: it serves inside other ops.
 *
 * Method: rows of several adapters in one batch, as in Punica (Chen et al., 2023, arXiv 2310.18547).
 *
 * @throws {RangeError} where the shapes do not fit.
 */
export function ownColumns(graph: Graph, z: Value, owners: Owners): Value {
  const [rows = 0, width = 0] = z.shape;
  requireMultiple(4, { "a rank of adapters side by side": width });
  const { owner, scales, of } = owners;
  if (owner.shape[0] !== width || scales.shape[0] !== width || of.shape[0] !== rows) {
    throw new RangeError(
      `Found owners [${owner.shape}], scales [${scales.shape}] and rows [${of.shape}] beside ` +
        `[${z.shape}]`,
    );
  }
  const y = { shape: z.shape, differentiable: false };
  return graph.call(OWN_COLUMNS, { z, owner, scales, of }, { y }, {}).y;
}

export const OWN_COLUMNS: Op<Ins, { y: Value }> = {
  name: "own_columns",
  launches: ({ ins: { z, owner, scales, of }, outs: { y } }) => [{
    kernel: { name: "own_columns", text },
    constants: { N: sizeOf(z), D: sizeOf(scales) },
    bind: [y, z, scales, owner, of],
    groups: perFour(sizeOf(z)),
  }],
};
