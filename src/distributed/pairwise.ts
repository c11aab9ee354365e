/**
 * Sums whose order is fixed: neither how many ranks made the parts nor which came first changes a bit.
 *
 * @module
 */

/**
 * The sum of some vectors of one length, in a balanced tree over their places: (0 + 1) + (2 + 3), and
 * so on; of an odd number the last goes up alone. What the vectors hold is used up, and the result
 * lies in the one at `into`.
 *
 * Blocks of 2^k neighbours are subtrees: whoever sums its own block and hands on the result makes the
 * same additions as one that sums them all.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const parts = [1e8, 1, -1e8, 1].map((x) => Float32Array.of(x));
 * assert.equal(sumPairwise(parts)[0], 0); // 1e8 + 1 is 1e8 in f32, and so is -1e8 + 1
 * ```
 */
export function sumPairwise(parts: readonly Float32Array[], into = 0): Float32Array {
  let level = [...parts];
  for (let at = into; level.length > 1; at >>= 1) {
    const above: Float32Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i]!, level[i + 1]];
      const [sum, other] = right && at === i + 1 ? [right, left] : [left, right];
      if (other) add(sum, other);
      above.push(sum);
    }
    level = above;
  }
  return level[0]!;
}

/** sum += x; a sum of two f32 numbers that is rounded once is that of f32. */
function add(sum: Float32Array, x: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += x[i]!;
}
