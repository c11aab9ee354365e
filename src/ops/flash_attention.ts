/**
 * Causal attention over packed documents without stored probabilities, for real GPUs.
 *
 * @module
 */
import deltaText from "../../kernels/flash_attention_delta.wgsl" with { type: "text" };
import dkvText from "../../kernels/flash_attention_dkv.wgsl" with { type: "text" };
import dqText from "../../kernels/flash_attention_dq.wgsl" with { type: "text" };
import flashBackwardText from "../../kernels/shared/flash_backward.wgsl" with { type: "text" };
import flashText from "../../kernels/shared/flash.wgsl" with { type: "text" };
import forwardText from "../../kernels/flash_attention.wgsl" with { type: "text" };
import type { Kernel } from "../gpu/kernel.ts";
import { grid } from "../gpu/program.ts";
import type { Graph, Launch, Op, Value } from "../graph/graph.ts";
import type { AttentionIns, Heads } from "./heads.ts";
import { RANK1_FMA } from "./tile.ts";

type Outs = { y: Value; logSum: Value };

/** Rows and keys of a tile. */
const TILE = 32;

/** Head sizes above this take dk and dv one after the other: fewer sums an invocation. */
const WIDE_HEAD = 64;

/** Whether the kernels serve such heads and what they see. */
export const flashServes = ({ headDim, cap }: Heads, { stop, bias }: AttentionIns): boolean =>
  headDim % TILE === 0 && headDim <= 128 && !cap && !stop && !bias;

/** {@link "./attention.ts"}'s attention(), keeping one number a row and head for backward. */
export function flashAttention(graph: Graph, ins: AttentionIns, heads: Heads): Value {
  const outs = {
    y: { shape: ins.q.shape },
    logSum: { shape: [heads.heads, ins.q.shape[0]!], differentiable: false },
  };
  return graph.call(FLASH_ATTENTION, ins, outs, heads).y;
}

const kernel = (name: string, text: string): Kernel => ({
  name,
  text,
  imports: {
    flash: { name: "shared/flash", text: flashText },
    flash_backward: { name: "shared/flash_backward", text: flashBackwardText },
    rank1_fma: RANK1_FMA,
  },
});
const FORWARD = kernel("flash_attention", forwardText);
const DELTA = kernel("flash_attention_delta", deltaText);
const DQ = kernel("flash_attention_dq", dqText);
const DKV = kernel("flash_attention_dkv", dkvText);

const sizesOf = (q: Value, { heads: H, groups: G, headDim: D, scale: SCALE }: Heads) => ({
  T: q.shape[0]!,
  H,
  G,
  D,
  SCALE,
});

export const FLASH_ATTENTION: Op<AttentionIns, Outs, Heads> = {
  name: "flash_attention",
  launches({ ins: { q, k, v, start }, outs: { y, logSum }, attrs }) {
    const constants = sizesOf(q, attrs);
    const { T, H } = constants;
    const bind = [q, k, v, start, y, logSum];
    return [{ kernel: FORWARD, constants, bind, groups: [Math.ceil(T / TILE), H] }];
  },
  backward(graph, { ins, outs: { y, logSum }, attrs }, gradients) {
    const { q, k, v } = ins;
    const outs = {
      dq: { shape: q.shape },
      dk: { shape: k.shape },
      dv: { shape: v.shape },
      stats: { shape: [attrs.heads, q.shape[0]! / 4, 2, 4] },
    };
    const saved = { ...ins, y, logSum, dy: gradients.of(y)! };
    const { dq, dk, dv } = graph.call(FLASH_ATTENTION_BACKWARD, saved, outs, attrs);
    gradients.add(q, dq);
    gradients.add(k, dk);
    gradients.add(v, dv);
  },
};

type BackwardIns = AttentionIns & Outs & { dy: Value };
type BackwardOuts = { dq: Value; dk: Value; dv: Value; stats: Value };

/** dq, then dk and dv: each from probabilities that it computes anew. */
export const FLASH_ATTENTION_BACKWARD: Op<BackwardIns, BackwardOuts, Heads> = {
  name: "flash_attention_backward",
  launches({ ins, outs: { dq, dk, dv, stats }, attrs }) {
    const { q, k, v, y, dy, logSum, start, end } = ins;
    const constants = sizesOf(q, attrs);
    const { T, H, G, D } = constants;
    const tiles = Math.ceil(T / TILE);
    const dkv = (part: { DK?: boolean; DV?: boolean }): Launch => ({
      kernel: DKV,
      constants: { ...constants, ...part },
      bind: [q, k, v, dy, stats, end, dk, dv],
      groups: [tiles, G],
    });
    return [
      {
        kernel: DELTA,
        constants: { T, H, D },
        bind: [y, dy, logSum, stats],
        groups: grid(Math.ceil(T * H / 8)),
      },
      {
        kernel: DQ,
        constants,
        bind: [q, k, v, dy, stats, start, dq],
        groups: [tiles, H],
      },
      ...(D > WIDE_HEAD ? [dkv({ DK: false }), dkv({ DV: false })] : [dkv({})]),
    ];
  },
};
