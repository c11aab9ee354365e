/**
 * The columns of a matrix, each times a number of its own.
 *
 * @module
 */
import dotsText from "../../kernels/column_dots.wgsl" with { type: "text" };
import text from "../../kernels/scale_columns.wgsl" with { type: "text" };
import type { Graph, Launch, Op, Value } from "../graph/graph.ts";
import { perRow, perSixteen, requireMultiple, sizeOf, sumRows } from "./launch.ts";

/** Ranges of rows that the gradient is summed over side by side. */
const PARTS = 64;

type Ins = {
  z: Value; // [T, width], or [width]
  s: Value; // [width]
  residual: Value | undefined; // [T, width]
};

/**
 * y = z * s in each row of z [T, width], or in z [width], plus the residual stream. Saves z and s for backward.
 *
 * @throws {RangeError} where the widths differ.
 */
export function scaleColumns(graph: Graph, z: Value, s: Value, residual?: Value): Value {
  const width = z.shape.at(-1)!;
  requireMultiple(4, { [`the width of ${s.name}`]: width });
  if (s.shape[0] !== width || (residual && String(residual.shape) !== String(z.shape))) {
    const beside = residual ? ` beside a residual of [${residual.shape}]` : "";
    throw new RangeError(`Cannot scale the columns of [${z.shape}] by [${s.shape}]${beside}`);
  }
  return graph.call(SCALE_COLUMNS, { z, s, residual }, { y: { shape: z.shape } }, {}).y;
}

/** One launch of y = z * s plus the residual, number by number where z is one row. */
export const scaleLaunch = ({ z, s, residual, y }: Ins & { y: Value }): Launch => ({
  kernel: { name: "scale_columns", text },
  constants: { N: sizeOf(z), D: sizeOf(s), RESIDUAL: residual !== undefined },
  bind: [z, s, residual ?? s, y],
  groups: perSixteen(sizeOf(z)),
});

export const SCALE_COLUMNS: Op<Ins, { y: Value }> = {
  name: "scale_columns",
  launches: ({ ins, outs: { y } }) => [scaleLaunch({ ...ins, y })],
  backward(graph, { ins: { z, s, residual }, outs: { y } }, gradients) {
    const dy = gradients.of(y)!;
    if (z.needs) gradients.add(z, scaleColumns(graph, dy, s));
    if (s.needs) {
      const outs = { ds: { shape: s.shape }, partial: { shape: [PARTS, sizeOf(s)] } };
      gradients.add(s, graph.call(SCALE_COLUMNS_BACKWARD, { dy, z }, outs, {}).ds);
    }
    if (residual?.needs) gradients.add(residual, dy);
  },
};

/** ds, summed in two passes of a fixed order. */
export const SCALE_COLUMNS_BACKWARD: Op<
  { dy: Value; z: Value },
  { ds: Value; partial: Value }
> = {
  name: "scale_columns_backward",
  launches({ ins: { dy, z }, outs: { ds, partial } }) {
    const D = sizeOf(ds);
    const ROWS = sizeOf(dy) / D;
    return [{
      kernel: { name: "column_dots", text: dotsText },
      constants: { ROWS, D, PARTS },
      bind: [dy, z, partial],
      groups: perRow(PARTS * D / 4),
    }, sumRows(partial, ds)];
  },
};
