/**
 * What every attention op is told: documents, heads, and what it reads.
 *
 * @module
 */
import type { Value } from "../graph/graph.ts";

/**
 * What rows see: row i the keys from start[i] on, key j being seen by rows before end[j]. Where both
 * are of the row's document, a row sees the keys up to its own. Neither ever falls.
 */
export interface Documents {
  readonly start: Value; // [T]
  readonly end: Value; // [T]
  /** Where a row sees other keys than those up to its own. */
  readonly span?: {
    /** One past the last key that each row sees; never falls. */
    readonly stop: Value; // [T]
    /** The first row that sees each key; never falls. */
    readonly first: Value; // [T]
  } | undefined;
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
export type AttentionIns = {
  q: Value;
  k: Value;
  v: Value;
  start: Value;
  end: Value;
  stop?: Value | undefined;
  first?: Value | undefined;
  /** What is added to the scores by distance, [heads, 2 * T]: see distanceBias(). */
  bias?: Value | undefined;
};
