/**
 * A learned bias of attention scores by the distance of query and key.
 *
 * Method: relative attention of T5 (Raffel et al., 2020, arXiv 1910.10683, section 2.1).
 *
 * @module
 */
import distanceText from "../../kernels/shared/distance_bias.wgsl" with { type: "text" };
import noBiasText from "../../kernels/shared/no_bias.wgsl" with { type: "text" };
import text from "../../kernels/distance_bias.wgsl" with { type: "text" };
import type { Text } from "../gpu/kernel.ts";
import type { Graph, Launch, Op, Value } from "../graph/graph.ts";
import { perRow, sizeOf } from "./launch.ts";

/**
 * The bias of each distance, [heads, 2 * span]: column span + d holds row bucket[span + d] of the
 * table [buckets, heads], for keys d positions ahead of their query. It has no backward.
 */
export function distanceBias(graph: Graph, table: Value, bucket: Value): Value {
  const shape = [table.shape[1]!, bucket.shape[0]!];
  return graph.call(DISTANCE_BIAS, { table, bucket }, { bias: { shape } }, {}).bias;
}

export const DISTANCE_BIAS: Op<{ table: Value; bucket: Value }, { bias: Value }> = {
  name: "distance_bias",
  launches({ ins: { table, bucket }, outs: { bias } }) {
    const [H, N] = bias.shape as [number, number];
    return [{
      kernel: { name: "distance_bias", text },
      constants: { H, N },
      bind: [table, bucket, bias],
      groups: perRow(sizeOf(bias)),
    }];
  },
};

/** `biased`, for the kernels that make scores. */
export const biasPiece = (bias: Value | undefined): Text =>
  bias
    ? { name: "shared/distance_bias", text: distanceText }
    : { name: "shared/no_bias", text: noBiasText };

/** What its piece must know. */
export const biasConstants = (bias: Value | undefined): Launch["constants"] =>
  bias ? { SPAN: bias.shape[1]! / 2 } : {};
