/**
 * The list of ops.
 *
 * @module
 */
import { backward, type BackwardOptions } from "../graph/backward.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { add } from "./add.ts";

export type { Activation } from "./activation.ts";
export { activate } from "./activate.ts";
export { add } from "./add.ts";
export { addProducts } from "./add_products.ts";
export { attention } from "./attention.ts";
export { bias } from "./bias.ts";
export { cachedAttention, type CacheRows, cacheWrite } from "./cached_attention.ts";
export { columnSquares } from "./column_squares.ts";
export { distanceBias } from "./distance_bias.ts";
export { documentScales } from "./document_scales.ts";
export { doraRatio } from "./dora_ratio.ts";
export { DRAW, type Dropout, dropout } from "./dropout.ts";
export { elastic } from "./elastic.ts";
export { embed, type TokenOrder } from "./embed.ts";
export { glu } from "./glu.ts";
export type { Documents, Heads } from "./heads.ts";
export { join } from "./join.ts";
export { layerNorm } from "./layer_norm.ts";
export { linear, type LowRank } from "./linear.ts";
export { CHUNK, chunkRows, supervisedCapacity, type Supervision } from "./head.ts";
export { linearCrossEntropy } from "./linear_cross_entropy.ts";
export { KL_STATS, linearKl } from "./linear_kl.ts";
export { linearScores } from "./linear_scores.ts";
export { logits } from "./logits.ts";
export { longContextAngles } from "./long_context_angles.ts";
export { noise } from "./noise.ts";
export type { Owners } from "./own_columns.ts";
export { type Places, replaceRows } from "./replace_rows.ts";
export { rmsNorm } from "./rms_norm.ts";
export { rope } from "./rope.ts";
export { scale } from "./scale.ts";
export { scaleColumns } from "./scale_columns.ts";
export { scaleRows } from "./scale_rows.ts";
export { slidingWindow } from "./sliding_window.ts";
export { split } from "./split.ts";
export { squareGradient } from "./square_gradient.ts";
export { adafactor } from "./update/adafactor.ts";
export { adamw, type AdamwSettings } from "./update/adamw.ts";
export { adamw8bit } from "./update/adamw_8bit.ts";
export { accumulate, halt, sum, sumSquares } from "./update/gradients.ts";
export { lion } from "./update/lion.ts";
export { muon } from "./update/muon.ts";
export type { Group, GroupMatrix, UpdateRule, UpdateState } from "./update/rule.ts";
export { sgd } from "./update/sgd.ts";

/** Adds the backward calls of `loss` and places the gradient of every trained param. */
export function differentiate(
  graph: Graph,
  loss: Value,
  options: Omit<BackwardOptions, "sum"> = {},
): void {
  backward(graph, loss, { sum: add, ...options });
}
