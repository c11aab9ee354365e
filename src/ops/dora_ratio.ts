/**
 * What DoRA scales the rows of an adapted weight by.
 *
 * @module
 */
import text from "../../kernels/dora_ratio.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { perRow, requireMultiple } from "./launch.ts";
import { forwardLaunch } from "./linear.ts";
import { productLaunch } from "./matmul.ts";
import { scaleLaunch } from "./scale_columns.ts";

/** A weight with its low-rank update, and the lengths that its rows shall have. */
export interface DoraWeight {
  readonly w: Value; // [out, in], blocks
  /** Of the rows of w. */
  readonly norms: Value; // [out]
  readonly a: Value; // [rank, in]
  readonly b: Value; // [out, rank]
  readonly scale: number;
  readonly magnitude: Value; // [out]
}

type Ins = Omit<Record<keyof DoraWeight, Value>, "scale">;
type Outs = Record<"ratio" | "inverse" | "u" | "q", Value>;

/**
 * magnitude / |row of w + scale b a|, [out]. The norm counts as a constant: the gradient is that of
 * the magnitude alone. It comes from products with the rank's width, so that w + scale b a never
 * exists, and w is read in whatever format it has.
 *
 * Method: DoRA (Liu et al., 2024, arXiv 2402.09353, section 4.3).
 *
 * @throws {RangeError} where shapes do not fit.
 */
export function doraRatio(graph: Graph, { scale, ...ins }: DoraWeight): Value {
  const { w, norms, a, b, magnitude } = ins;
  const [out = 0] = w.shape;
  const rank = a.shape[0]!;
  requireMultiple(4, { [`the rows of ${w.name}`]: out, "the rank": rank });
  for (const vector of [norms, magnitude]) {
    if (String(vector.shape) === String([out])) continue;
    throw new RangeError(`${w.name} is [${w.shape}] but ${vector.name} is [${vector.shape}]`);
  }
  const outs = {
    ratio: { shape: [out] },
    inverse: { shape: [out], differentiable: false },
    u: { shape: [rank, rank], differentiable: false },
    q: { shape: [rank, out], differentiable: false },
  };
  return graph.call(DORA_RATIO, { w, norms, a, b, magnitude }, outs, { scale }).ratio;
}

export const DORA_RATIO: Op<Ins, Outs, { scale: number }> = {
  name: "dora_ratio",
  launches({ ins, outs: { ratio, inverse, u, q }, attrs: { scale } }, target) {
    const { w, norms, a, b, magnitude } = ins;
    const [N, R] = b.shape as [number, number];
    return [
      // u = scale / 2 a a^T, q = a w^T + u b^T
      productLaunch(target, "nt", { a, b: a, c: u, scale: scale / 2 }),
      forwardLaunch(target, { x: a, w, y: q, u, b }),
      {
        kernel: { name: "dora_ratio", text },
        constants: { N, R, SCALE: scale },
        bind: [magnitude, norms, b, q, ratio, inverse],
        groups: perRow(N),
      },
    ];
  },
  backward(graph, { ins: { magnitude }, outs: { ratio, inverse } }, gradients) {
    if (!magnitude.needs) return;
    const ins = { dratio: gradients.of(ratio)!, inverse };
    const { dmagnitude } = graph.call(
      DORA_RATIO_BACKWARD,
      ins,
      { dmagnitude: { shape: magnitude.shape } },
      {},
    );
    gradients.add(magnitude, dmagnitude);
  },
};

/** dmagnitude = dratio / |row of w + scale b a| */
export const DORA_RATIO_BACKWARD: Op<
  { dratio: Value; inverse: Value },
  { dmagnitude: Value }
> = {
  name: "dora_ratio_backward",
  launches: ({ ins: { dratio: z, inverse: s }, outs: { dmagnitude: y } }) => [
    scaleLaunch({ z, s, y, residual: undefined }),
  ],
};
