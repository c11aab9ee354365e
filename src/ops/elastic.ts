/**
 * The penalty of elastic weight consolidation on a low-rank update.
 *
 * @module
 */
import text from "../../kernels/elastic.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { perRow, sizeOf } from "./launch.ts";
import type { LowRank } from "./linear.ts";
import { matmul } from "./matmul.ts";

/** Parts that the sum over a matrix is taken in, side by side. */
const PARTS = 4096;

/** A penalty in parts that add up to it, and its gradients. */
export interface Elastic {
  readonly loss: Value; // [parts]
  readonly da: Value; // [rank, in]
  readonly db: Value; // [out, rank]
}

export interface ElasticOptions {
  /** How much each weight matters, [out, in]. */
  readonly fisher: Value;
  /** What the penalty counts, [1]. */
  readonly weight: Value;
  /** Adds the loss to this one, in place. */
  readonly before?: Value | undefined;
}

/**
 * weight / 2 * sum of fisher (scale b a)^2, the squares taken number by number, and its gradients at
 * once. The change of the weight as a whole counts, for b and a apart say nothing of it.
 *
 * Method: elastic weight consolidation (Kirkpatrick et al., 2016, arXiv 1612.00796).
 *
 * @throws {RangeError} where shapes do not fit.
 */
export function elastic(
  graph: Graph,
  { a, b, scale }: LowRank,
  { fisher, weight, before }: ElasticOptions,
): Elastic {
  const x = matmul(graph, "nn", b, a, { scale }); // [out, in]
  if (String(fisher.shape) !== String(x.shape)) {
    throw new RangeError(`${fisher.name} is [${fisher.shape}] but the update is [${x.shape}]`);
  }
  const { loss, dx } = graph.call(ELASTIC, { x, fisher, weight, before }, {
    loss: { shape: [PARTS], differentiable: false },
    dx: { shape: x.shape, differentiable: false },
  }, {});
  return {
    loss,
    da: matmul(graph, "tn", b, dx, { scale }),
    db: matmul(graph, "nt", dx, a, { scale }),
  };
}

type Ins = { x: Value; fisher: Value; weight: Value; before: Value | undefined };

export const ELASTIC: Op<Ins, { loss: Value; dx: Value }> = {
  name: "elastic",
  overwrites: ({ ins }) => ({ dx: "x", ...(ins.before && { loss: "before" }) }),
  launches({ ins: { fisher, weight, before }, outs: { loss, dx } }) {
    return [{
      kernel: { name: "elastic", text },
      constants: { N: sizeOf(dx), PARTS, ADD: before !== undefined },
      bind: [loss, dx, fisher, weight],
      groups: perRow(PARTS),
    }];
  },
};
