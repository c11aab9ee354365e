/** f64 twin of dora_ratio.wgsl, from the whole matrix. */
import type { LinearSizes } from "./linear.ts";
import { matmulNn } from "./matmul.ts";

/** The length of each row of w + scale b a, [N]. */
export function adaptedNorms(
  w: Float64Array, // [N, K]
  a: Float64Array, // [R, K]
  b: Float64Array, // [N, R]
  { N, K, R, scale }: Omit<LinearSizes, "M">,
): Float64Array {
  const delta = matmulNn(b, a, { M: N, N: K, K: R, SCALE: scale });
  return Float64Array.from(
    { length: N },
    (_, row) =>
      Math.hypot(...Array.from({ length: K }, (_, k) => w[row * K + k]! + delta[row * K + k]!)),
  );
}
