/**
 * The ways to make one adapter of several, by the names of PEFT's `add_weighted_adapter`.
 *
 * @module
 */

/** A way to combine. */
export interface CombineMethod {
  /**
   * What is summed: `factors` sums the A and the B by themselves, `updates` their products, which
   * are then brought back to a rank, and `stack` puts the factors side by side.
   */
  readonly sums: "factors" | "updates" | "stack";
  /** What is left out of each before; nothing where absent. */
  readonly prunes?: "magnitude" | "random";
  /** Whether only numbers of the sign that prevails count (TIES). */
  readonly elects?: boolean;
}

/**
 * TIES: Yadav et al., 2023, arXiv 2306.01708; DARE: Yu et al., 2024, arXiv 2311.03099; both on
 * factors or on updates, as PEFT 0.21 has them.
 */
export const COMBINE_METHODS = {
  svd: { sums: "updates" },
  linear: { sums: "factors" },
  cat: { sums: "stack" },
  ties: { sums: "factors", prunes: "magnitude", elects: true },
  ties_svd: { sums: "updates", prunes: "magnitude", elects: true },
  dare_linear: { sums: "factors", prunes: "random" },
  dare_linear_svd: { sums: "updates", prunes: "random" },
  dare_ties: { sums: "factors", prunes: "random", elects: true },
  dare_ties_svd: { sums: "updates", prunes: "random", elects: true },
  magnitude_prune: { sums: "factors", prunes: "magnitude" },
  magnitude_prune_svd: { sums: "updates", prunes: "magnitude" },
} as const satisfies Readonly<Record<string, CombineMethod>>;

/** What a way to combine may be called. */
export type CombineMethodName = keyof typeof COMBINE_METHODS;

/** How the sign that prevails is found: by the sum of the numbers, or by how many have it. */
export const MAJORITIES = ["total", "frequency"] as const;
/** One of those. */
export type Majority = typeof MAJORITIES[number];
