/**
 * What brings every document of a packed row to one size: 1 over its largest number.
 *
 * @module
 */
import text from "../../kernels/document_scales.wgsl" with { type: "text" };
import peaksText from "../../kernels/row_peaks.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import type { Documents } from "./heads.ts";
import { perRow, requireMultiple } from "./launch.ts";

type Ins = { x: Value; counted: Value; start: Value; end: Value };
type Outs = { by: Value; peak: Value };

/** Rows that a loop of the kernel ends before. */
const MOST_ROWS = 65536;

/**
 * by[t] = counted[t] / |m| for the largest number m of the rows of x [T, width] that belong to the
 * document of row t, and 0 where counted [T] is; nothing flows back.
 *
 * @throws {RangeError} where shapes do not fit.
 */
export function documentScales(
  graph: Graph,
  x: Value,
  counted: Value,
  { start, end }: Documents,
): Value {
  const [T, width] = x.shape as [number, number];
  requireMultiple(4, { width });
  if ([counted, start, end].some(({ shape }) => String(shape) !== String([T]))) {
    throw new RangeError(
      `Found counts [${counted.shape}] and documents [${start.shape}] to [${end.shape}] beside ` +
        `[${x.shape}]`,
    );
  }
  if (T >= MOST_ROWS) throw new RangeError(`Found ${T} rows, wanted fewer than ${MOST_ROWS}`);
  const spec = { shape: [T], differentiable: false };
  const ins = { x, counted, start, end };
  return graph.call(DOCUMENT_SCALES, ins, { by: spec, peak: spec }, {}).by;
}

const DOCUMENT_SCALES: Op<Ins, Outs> = {
  name: "document_scales",
  launches({ ins: { x, counted, start, end }, outs: { by, peak } }) {
    const [T, D] = x.shape as [number, number];
    return [{
      kernel: { name: "row_peaks", text: peaksText },
      constants: { T, D },
      bind: [x, peak],
      groups: perRow(T),
    }, {
      kernel: { name: "document_scales", text },
      constants: { T },
      bind: [peak, counted, start, end, by],
      groups: perRow(T),
    }];
  },
};
