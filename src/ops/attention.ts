/**
 * Causal attention over packed documents: the builder, and the op with stored probabilities.
 *
 * @module
 */
import capText from "../../kernels/attention_cap_backward.wgsl" with { type: "text" };
import deltaText from "../../kernels/attention_delta.wgsl" with { type: "text" };
import dscoresText from "../../kernels/attention_dscores.wgsl" with { type: "text" };
import foldText from "../../kernels/shared/fold.wgsl" with { type: "text" };
import mixText from "../../kernels/attention_mix.wgsl" with { type: "text" };
import mixTransposedText from "../../kernels/attention_mix_transposed.wgsl" with { type: "text" };
import scoresText from "../../kernels/attention_scores.wgsl" with { type: "text" };
import scoreTileText from "../../kernels/shared/score_tile.wgsl" with { type: "text" };
import softmaxText from "../../kernels/attention_softmax.wgsl" with { type: "text" };
import type { Kernel } from "../gpu/kernel.ts";
import type { Graph, Launch, Op, Value } from "../graph/graph.ts";
import { flashAttention, flashServes } from "./flash_attention.ts";
import type { AttentionIns, Documents, Heads } from "./heads.ts";
import { perRow, requireMultiple } from "./launch.ts";
import { SOFTCAP } from "./softcap.ts";

type Outs = { y: Value; p: Value };

/**
 * y[i] = sum over j in start[i] .. i of softmax(scale * q[i] . k[j]) v[j], [T, heads * headDim],
 * where the scores may be capped.
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
): Value {
  const T = q.shape[0]!;
  requireMultiple(8, { "the number of rows": T, "the head size": heads.headDim });
  requireMultiple(heads.groups, { "the number of heads": heads.heads });
  const [wide, narrow] = [heads.heads * heads.headDim, heads.groups * heads.headDim];
  for (
    const [name, value, width] of [["q", q, wide], ["k", k, narrow], ["v", v, narrow]] as const
  ) {
    if (String(value.shape) !== String([T, width])) {
      throw new RangeError(`Expected ${name} to be [${T},${width}] but found [${value.shape}]`);
    }
  }
  const ins = { q, k, v, start: docs.start, end: docs.end };
  if (graph.kernelSet === "shared" && flashServes(heads)) {
    return flashAttention(graph, ins, heads);
  }
  const outs = {
    y: { shape: q.shape },
    p: { shape: [heads.heads, T, T], differentiable: false },
  };
  return graph.call(ATTENTION, ins, outs, heads).y;
}

const kernel = (name: string, text: string): Kernel => ({
  name: `attention_${name}`,
  text,
  imports: {
    fold: { name: "shared/fold", text: foldText },
    score_tile: { name: "shared/score_tile", text: scoreTileText },
    softcap: SOFTCAP,
  },
});
const SCORES = kernel("scores", scoresText);
const SOFTMAX = kernel("softmax", softmaxText);
const MIX = kernel("mix", mixText);
const MIX_TRANSPOSED = kernel("mix_transposed", mixTransposedText);
const DELTA = kernel("delta", deltaText);
const DSCORES = kernel("dscores", dscoresText);
const CAP_BACKWARD = kernel("cap_backward", capText);

/** The launches of one layer, which forward and backward share. */
function launcher(T: number, heads: Heads) {
  const { heads: H, groups: G, headDim: D, scale: SCALE, cap: CAP = 0 } = heads;
  const sizes = { T, H, G, D };
  const tiles: [number, number] = [Math.ceil(T / 8 * H / 8), T / 8];
  const columns = (heads: number): [number, number] => [Math.ceil(heads * D / 64), T / 8];
  const launch =
    (kernel: Kernel, constants: Launch["constants"], groups: [number, number]) =>
    (...bind: Value[]): Launch => ({ kernel, constants, bind, groups });
  return {
    scores: launch(SCORES, { ...sizes, SCALE, CAP }, tiles),
    softmax: launch(SOFTMAX, { T, H }, perRow(T * H)),
    mix: launch(MIX, sizes, columns(H)),
    mixTransposed: launch(MIX_TRANSPOSED, sizes, columns(G)),
    delta: launch(DELTA, { T, H, D }, perRow(T * H)),
    dscores: launch(DSCORES, { ...sizes, SCALE }, tiles),
    capBackward: launch(CAP_BACKWARD, { ...sizes, SCALE, CAP }, tiles),
  };
}

export const ATTENTION: Op<AttentionIns, Outs, Heads> = {
  name: "attention",
  launches({ ins: { q, k, v, start }, outs: { y, p }, attrs }) {
    const { scores, softmax, mix } = launcher(q.shape[0]!, attrs);
    return [scores(q, k, start, p), softmax(p, start), mix(p, v, start, y)];
  },
  backward(graph, { ins: { q, k, v, start, end }, outs: { y, p }, attrs }, gradients) {
    const ins = { q, k, v, p, y, dy: gradients.of(y)!, start, end };
    const outs = {
      dq: { shape: q.shape },
      dk: { shape: k.shape },
      dv: { shape: v.shape },
      ds: { shape: p.shape },
      delta: { shape: [q.shape[0]!, attrs.heads] },
    };
    const { dq, dk, dv } = graph.call(ATTENTION_BACKWARD, ins, outs, attrs);
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
  launches({ ins: { q, k, v, y, dy, start, end }, outs: { dq, dk, dv, ds, delta }, attrs }) {
    const layer = launcher(q.shape[0]!, attrs);
    return [
      layer.delta(y, dy, delta),
      layer.mixTransposed(ds, dy, end, dv),
      layer.dscores(dy, v, delta, start, ds),
      ...(attrs.cap ? [layer.capBackward(q, k, start, ds)] : []),
      layer.mix(ds, k, start, dq),
      layer.mixTransposed(ds, q, end, dk),
    ];
  },
};
