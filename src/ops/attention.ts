/**
 * Attention over packed documents: the builder, and the op with stored probabilities.
 *
 * @module
 */
import causalText from "../../kernels/shared/causal.wgsl" with { type: "text" };
import capText from "../../kernels/attention_cap_backward.wgsl" with { type: "text" };
import deltaText from "../../kernels/attention_delta.wgsl" with { type: "text" };
import dscoresText from "../../kernels/attention_dscores.wgsl" with { type: "text" };
import foldText from "../../kernels/shared/fold.wgsl" with { type: "text" };
import mixBroadcastText from "../../kernels/attention_mix_broadcast.wgsl" with { type: "text" };
import mixText from "../../kernels/attention_mix.wgsl" with { type: "text" };
import mixTransposedBroadcastText from "../../kernels/attention_mix_transposed_broadcast.wgsl" with {
  type: "text",
};
import mixTransposedText from "../../kernels/attention_mix_transposed.wgsl" with { type: "text" };
import scoresText from "../../kernels/attention_scores.wgsl" with { type: "text" };
import scoreTileBroadcastText from "../../kernels/shared/score_tile_broadcast.wgsl" with {
  type: "text",
};
import scoreTileText from "../../kernels/shared/score_tile.wgsl" with { type: "text" };
import spansText from "../../kernels/shared/spans.wgsl" with { type: "text" };
import softmaxText from "../../kernels/attention_softmax.wgsl" with { type: "text" };
import type { Kernel, Text } from "../gpu/kernel.ts";
import type { Graph, Launch, Op, Target, Value } from "../graph/graph.ts";
import { biasConstants, biasPiece } from "./distance_bias.ts";
import { flashAttention, flashServes } from "./flash_attention.ts";
import type { AttentionIns, Documents, Heads } from "./heads.ts";
import { perRow, requireMultiple } from "./launch.ts";
import { SOFTCAP } from "./softcap.ts";
import { ROUNDS } from "./tile.ts";

type Outs = { y: Value; p: Value };

/**
 * y[i] = sum over the keys j that row i sees of softmax(scale * q[i] . k[j]) v[j], [T, heads * headDim],
 * where the scores may be capped, or have a bias by distance, [heads, 2 * T].
 * Keeps the probabilities [heads, T, T] for backward, or only their denominators where the graph is
 * for kernels in workgroup memory.
 *
 * @throws {RangeError} where shapes do not fit.
 */
export function attention(
  graph: Graph,
  q: Value,
  k: Value,
  v: Value,
  docs: Documents,
  heads: Heads,
  bias?: Value,
): Value {
  const T = q.shape[0]!;
  requireMultiple(8, { "the number of rows": T, "the head size": heads.headDim });
  requireMultiple(heads.groups, { "the number of heads": heads.heads });
  const [wide, narrow] = [heads.heads * heads.headDim, heads.groups * heads.headDim];
  for (
    const [name, value, width] of [["q", q, wide], ["k", k, narrow], ["v", v, narrow]] as const
  ) {
    if (String(value.shape) !== String([T, width])) {
      throw new RangeError(`Found ${name} of [${value.shape}], wanted [${T},${width}]`);
    }
  }
  const { start, end, span } = docs;
  const ins = { q, k, v, start, end, stop: span?.stop, first: span?.first, bias };
  if (graph.kernelSet === "shared" && flashServes(heads, ins)) {
    return flashAttention(graph, ins, heads);
  }
  const outs = {
    y: { shape: q.shape },
    p: { shape: [heads.heads, T, T], differentiable: false },
  };
  return graph.call(ATTENTION, ins, outs, heads).y;
}

const CAUSAL: Text = { name: "shared/causal", text: causalText };
const SPANS: Text = { name: "shared/spans", text: spansText };
const SCORE_TILE: Text = { name: "shared/score_tile", text: scoreTileText };
const SCORE_TILE_BROADCAST: Text = {
  name: "shared/score_tile_broadcast",
  text: scoreTileBroadcastText,
};

const kernel = (name: string, text: string): Text => ({ name: `attention_${name}`, text });
const SCORES = kernel("scores", scoresText);
const SOFTMAX = kernel("softmax", softmaxText);
const MIX = kernel("mix", mixText);
const MIX_TRANSPOSED = kernel("mix_transposed", mixTransposedText);
const MIX_BROADCAST = kernel("mix_broadcast", mixBroadcastText);
const MIX_TRANSPOSED_BROADCAST = kernel("mix_transposed_broadcast", mixTransposedBroadcastText);
const DELTA = kernel("delta", deltaText);
const DSCORES = kernel("dscores", dscoresText);
const CAP_BACKWARD = kernel("cap_backward", capText);

/** The launches of one layer, which forward and backward share. */
function launcher({ q, stop, first, bias }: AttentionIns, heads: Heads, target: Target) {
  const T = q.shape[0]!;
  const imports = {
    fold: { name: "shared/fold", text: foldText },
    range: stop ? SPANS : CAUSAL,
    score_tile: target.sharesLoads ? SCORE_TILE_BROADCAST : SCORE_TILE,
    rounds: ROUNDS,
    softcap: SOFTCAP,
    bias: biasPiece(bias),
  };
  const { heads: H, groups: G, headDim: D, scale: SCALE, cap: CAP = 0 } = heads;
  const sizes = { T, H, G, D };
  const tiles: [number, number] = target.sharesLoads
    ? [Math.ceil(T / 32) * H, Math.ceil(T / 16)]
    : [Math.ceil(T / 8 * H / 8), T / 8];
  const sharesMix = target.sharesLoads && D % 64 === 0; // its lanes have columns of one head
  const rows = sharesMix ? Math.ceil(T / 16) : T / 8;
  const columns = (heads: number): [number, number] => [Math.ceil(heads * D / 64), rows];
  type Weight = NonNullable<Launch["weight"]>;
  const launch = (
    text: Text,
    constants: Launch["constants"],
    groups: [number, number],
    weight: Weight = [stop],
    matrices = 2,
    before = false,
  ) =>
  (...bind: Value[]): Launch => {
    const kernel: Kernel = { ...text, imports };
    return { kernel, constants, bind, groups, weight, matrices, before };
  };
  const biased = { ...sizes, SCALE, CAP, ...biasConstants(bias) };
  return {
    scores: launch(SCORES, biased, tiles, [stop, undefined, bias]),
    softmax: launch(SOFTMAX, { T, H }, perRow(T * H), [stop], 0, true),
    mix: launch(sharesMix ? MIX_BROADCAST : MIX, sizes, columns(H)),
    mixTransposed: launch(
      sharesMix ? MIX_TRANSPOSED_BROADCAST : MIX_TRANSPOSED,
      sizes,
      columns(G),
      [undefined, first],
    ),
    delta: launch(DELTA, { T, H, D }, perRow(T * H), [], 0),
    dscores: launch(DSCORES, { ...sizes, SCALE }, tiles),
    capBackward: launch(CAP_BACKWARD, { ...sizes, SCALE, CAP }, tiles),
  };
}

export const ATTENTION: Op<AttentionIns, Outs, Heads> = {
  name: "attention",
  launches({ ins, outs: { y, p }, attrs }, target) {
    const { q, k, v, start } = ins;
    const { scores, softmax, mix } = launcher(ins, attrs, target);
    return [scores(p, q, k, start), softmax(p, start), mix(y, p, v, start)];
  },
  backward(graph, { ins, outs: { y, p }, attrs }, gradients) {
    const { q, k, v } = ins;
    const outs = {
      dq: { shape: q.shape },
      dk: { shape: k.shape },
      dv: { shape: v.shape },
      ds: { shape: p.shape },
      delta: { shape: [q.shape[0]!, attrs.heads] },
    };
    const saved = { ...ins, p, y, dy: gradients.of(y)! };
    const { dq, dk, dv } = graph.call(ATTENTION_BACKWARD, saved, outs, attrs);
    gradients.add(q, dq);
    gradients.add(k, dk);
    gradients.add(v, dv);
  },
};

type BackwardOuts = { dq: Value; dk: Value; dv: Value; ds: Value; delta: Value };

/** dq, dk and dv; ds takes the place of p, after dv has read it. */
export const ATTENTION_BACKWARD: Op<AttentionIns & Outs & { dy: Value }, BackwardOuts, Heads> = {
  name: "attention_backward",
  overwrites: () => ({ ds: "p" }),
  launches({ ins, outs: { dq, dk, dv, ds, delta }, attrs }, target) {
    const { q, k, v, y, dy, start, end } = ins;
    const layer = launcher(ins, attrs, target);
    return [
      layer.delta(y, dy, delta),
      layer.mixTransposed(dv, ds, dy, end),
      layer.dscores(ds, dy, v, start, delta),
      ...(attrs.cap ? [layer.capBackward(ds, q, k, start)] : []),
      layer.mix(dq, ds, k, start),
      layer.mixTransposed(dk, ds, q, end),
    ];
  },
};
