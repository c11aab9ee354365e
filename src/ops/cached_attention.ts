/**
 * Attention over a cache of keys and values: the forward of generation.
 *
 * @module
 */
import attentionText from "../../kernels/attention_cached.wgsl" with { type: "text" };
import writeText from "../../kernels/cache_write.wgsl" with { type: "text" };
import type { Graph, Op, Value } from "../graph/graph.ts";
import { biasConstants, biasPiece } from "./distance_bias.ts";
import type { Heads } from "./heads.ts";
import { perRow, requireMultiple } from "./launch.ts";
import { SOFTCAP } from "./softcap.ts";

/** The rows of a replay: where each lies in the cache, and how many there are. */
export type CacheRows = {
  /** The part of the cache that the row's sequence has to itself. */
  readonly slot: Value; // [T]
  /** Its place in that sequence. */
  readonly position: Value; // [T]
  readonly count: Value; // [1]
};

/** cache[slot[t], position[t]] = x[t] for the rows in use; a state [slots, context, width]. */
export function cacheWrite(graph: Graph, x: Value, cache: Value, rows: CacheRows): Value {
  const ins = { x, cache, ...rows };
  return graph.call(CACHE_WRITE, ins, { written: { shape: cache.shape } }, {}).written;
}

export const CACHE_WRITE: Op<
  { x: Value; cache: Value } & CacheRows,
  { written: Value }
> = {
  name: "cache_write",
  overwrites: () => ({ written: "cache" }),
  launches({ ins: { x, slot, position, count }, outs: { written } }) {
    const [T, D] = x.shape as [number, number];
    const [SLOTS, CONTEXT] = written.shape as [number, number];
    return [{
      kernel: { name: "cache_write", text: writeText },
      constants: { T, D, CONTEXT, SLOTS },
      bind: [x, slot, position, count, written],
      groups: perRow(T),
    }];
  },
};

/** Rounds of all loops of one invocation, after which software Vulkan (Mesa 22) stops it silently. */
const MAX_ROUNDS = 65_535;

/**
 * Each row sees the last `window` rows of its slot up to its own position, that one included; all of
 * them by default. `bias` is added to the scores by distance, [heads, 2 * context].
 *
 * @throws {RangeError} where the context is no multiple of 8, or too long for software Vulkan.
 */
export function cachedAttention(
  graph: Graph,
  q: Value, // [T, heads * headDim]
  k: Value, // [slots, context, groups * headDim]
  v: Value,
  rows: CacheRows,
  heads: Heads,
  window = k.shape[1]!,
  bias?: Value,
): Value {
  const context = k.shape[1]!;
  requireMultiple(8, { "the context": context });
  const roundsPerKeys = heads.headDim / 2 + 1;
  if (graph.kernelSet === "register" && context / 8 * roundsPerKeys >= MAX_ROUNDS) {
    const most = 8 * (Math.ceil(MAX_ROUNDS / roundsPerKeys) - 1);
    throw new RangeError(
      `Found a context of ${context}, software Vulkan attends to at most ${most} tokens at once`,
    );
  }
  const ins = { q, k, v, ...rows, bias };
  return graph.call(CACHED_ATTENTION, ins, { y: { shape: q.shape } }, { ...heads, window }).y;
}

export const CACHED_ATTENTION: Op<
  { q: Value; k: Value; v: Value; bias: Value | undefined } & CacheRows,
  { y: Value },
  Heads & { window: number }
> = {
  name: "cached_attention",
  launches({ ins: { q, k, v, slot, position, count, bias }, outs: { y }, attrs }) {
    const { heads: H, groups: G, headDim: D, scale: SCALE, cap: CAP = 0, window: WINDOW } = attrs;
    const T = q.shape[0]!;
    const [SLOTS, CONTEXT] = k.shape as [number, number];
    const imports = { softcap: SOFTCAP, bias: biasPiece(bias) };
    const sizes = { T, H, G, D, CONTEXT, SLOTS };
    return [{
      kernel: { name: "attention_cached", text: attentionText, imports },
      constants: { ...sizes, SCALE, CAP, WINDOW, ...biasConstants(bias) },
      bind: [q, k, v, slot, position, count, y],
      weight: [undefined, undefined, bias],
      groups: perRow(T * H),
    }];
  },
};
