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
import type { Graph, Launch, Op, OutputSpec, Value } from "../graph/graph.ts";
import type { AttentionIns, Heads } from "./heads.ts";
import { sumRows } from "./launch.ts";
import { SOFTCAP } from "./softcap.ts";
import { RANK1_FMA } from "./tile.ts";

type Outs = { y: Value; logSum: Value };

/** Rows and keys of a tile. */
const TILE = 32;

/** Head sizes above this take dk and dv one after the other: fewer sums an invocation. */
const WIDE_HEAD = 64;

/** The most columns of a result that a workgroup makes: longer heads take several. */
const MOST_COLUMNS = 128;

/** Whether the kernels serve such heads and what they see. */
export const flashServes = ({ headDim }: Heads, { stop, bias }: AttentionIns): boolean =>
  headDim % (headDim < MOST_COLUMNS ? TILE : MOST_COLUMNS) === 0 && !stop && !bias;

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
    softcap: SOFTCAP,
  },
});
const FORWARD = kernel("flash_attention", forwardText);
const DELTA = kernel("flash_attention_delta", deltaText);
const DQ = kernel("flash_attention_dq", dqText);
const DKV = kernel("flash_attention_dkv", dkvText);

const sizesOf = (q: Value, { heads: H, groups: G, headDim: D, scale: SCALE, cap }: Heads) => ({
  T: q.shape[0]!,
  H,
  G,
  D,
  COLUMNS: Math.min(D, MOST_COLUMNS),
  SCALE,
  CAP: cap ?? 0,
});

/** Workgroups of a launch: the tiles of 32 rows, or keys, of every head and part of its columns. */
const tilesOf = ({ T, H, D, COLUMNS }: ReturnType<typeof sizesOf>): [number, number] => [
  Math.ceil(T / TILE),
  H * D / COLUMNS,
];

export const FLASH_ATTENTION: Op<AttentionIns, Outs, Heads> = {
  name: "flash_attention",
  launches({ ins: { q, k, v, start }, outs: { y, logSum }, attrs }) {
    const constants = sizesOf(q, attrs);
    const bind = [q, k, v, start, y, logSum];
    return [{ kernel: FORWARD, constants, bind, groups: tilesOf(constants) }];
  },
  backward(graph, { ins, outs: { y, logSum }, attrs }, gradients) {
    const { q, k, v } = ins;
    const saved = { ...ins, y, logSum, dy: gradients.of(y)! };
    const outs = flashGradients(saved, attrs);
    const { dq, dk, dv } = graph.call(FLASH_ATTENTION_BACKWARD, saved, outs, attrs);
    gradients.add(q, dq!);
    gradients.add(k, dk!);
    gradients.add(v, dv!);
  },
};

type BackwardIns = AttentionIns & Outs & { dy: Value };
type BackwardOuts = {
  dq: Value;
  dk: Value;
  dv: Value;
  stats: Value;
  /** What each head of a group adds to dk and dv, where there are several. */
  dkOfHeads?: Value;
  dvOfHeads?: Value;
};

/** What {@link FLASH_ATTENTION_BACKWARD} makes. */
export function flashGradients(
  { q, k, v }: AttentionIns,
  { heads, groups }: Heads,
): Record<string, OutputSpec> {
  const T = q.shape[0]!;
  const ofHeads = { shape: [heads / groups, ...k.shape], differentiable: false };
  return {
    dq: { shape: q.shape },
    dk: { shape: k.shape },
    dv: { shape: v.shape },
    stats: { shape: [heads, T / 4, 2, 4] },
    ...(heads > groups ? { dkOfHeads: ofHeads, dvOfHeads: ofHeads } : {}),
  };
}

/** dq, then dk and dv: each from probabilities that it computes anew. */
export const FLASH_ATTENTION_BACKWARD: Op<BackwardIns, BackwardOuts, Heads> = {
  name: "flash_attention_backward",
  launches({ ins, outs: { dq, dk, dv, stats, dkOfHeads, dvOfHeads }, attrs }) {
    const { q, k, v, y, dy, logSum, start, end } = ins;
    const constants = sizesOf(q, attrs);
    const { T, H, D } = constants;
    const groups = tilesOf(constants);
    const dkv = (part: { DK?: boolean; DV?: boolean }): Launch => ({
      kernel: DKV,
      constants: { ...constants, ...part },
      bind: [q, k, v, dy, stats, end, dkOfHeads ?? dk, dvOfHeads ?? dv],
      groups,
    });
    return [
      {
        kernel: DELTA,
        constants: { T, H, D },
        bind: [y, dy, logSum, stats],
        groups: grid(Math.ceil(T * H / 8)),
      },
      { kernel: DQ, constants, bind: [q, k, v, dy, stats, start, dq], groups },
      ...(D > WIDE_HEAD ? [dkv({ DK: false }), dkv({ DV: false })] : [dkv({})]),
      ...(dkOfHeads ? [sumRows(dkOfHeads, dk)] : []),
      ...(dvOfHeads ? [sumRows(dvOfHeads, dv)] : []),
    ];
  },
};
