/**
 * Buckets of relative positions, as T5 has them (Raffel et al., 2020, arXiv 1910.10683).
 *
 * @module
 */

/** How distances fall into buckets. */
export interface Buckets {
  readonly count: number;
  /** From here on all distances share the last bucket. */
  readonly farthest: number;
  /** Whether keys ahead of their query have half of the buckets; else they share the first one. */
  readonly bothWays: boolean;
}

/** The bucket of each distance key - query from -span to span - 1, [2 * span]. */
export function bucketTable(span: number, buckets: Buckets): Uint32Array {
  return Uint32Array.from({ length: 2 * span }, (_, i) => bucketOf(i - span, buckets));
}

/**
 * `_relative_position_bucket` of transformers' `modeling_t5.py`: small distances have a bucket each,
 * larger ones share them by their logarithm, which is rounded to f32 at each step as there.
 */
function bucketOf(distance: number, { count, farthest, bothWays }: Buckets): number {
  const half = bothWays ? Math.floor(count / 2) : count;
  const base = bothWays && distance > 0 ? half : 0;
  const far = bothWays ? Math.abs(distance) : Math.max(0, -distance);
  const exact = Math.floor(half / 2);
  if (far < exact) return base + far;
  const { fround, log } = Math;
  const share = fround(fround(log(fround(far / exact))) / fround(log(farthest / exact)));
  return base + Math.min(half - 1, exact + Math.trunc(fround(share * (half - exact))));
}
