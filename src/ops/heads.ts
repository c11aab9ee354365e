/**
 * What every attention op is told: documents, heads, and what it reads.
 *
 * @module
 */
import type { Value } from "../graph/graph.ts";

/** Where each row's document begins and ends: start[i] <= i < end[i]; neither ever falls. */
export interface Documents {
  readonly start: Value; // [T]
  readonly end: Value; // [T]
}

/** Sizes of an attention layer. */
export interface Heads {
  readonly heads: number;
  /** Key and value heads; each serves heads / groups query heads. */
  readonly groups: number;
  readonly headDim: number;
  /** The factor of q . k, 1 / sqrt(headDim) for most. */
  readonly scale: number;
  /** Scores s become cap * tanh(s / cap); absent where they stay as they are. */
  readonly cap?: number | undefined;
}

/** What the attention ops read. */
export type AttentionIns = { q: Value; k: Value; v: Value; start: Value; end: Value };
