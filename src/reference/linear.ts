/** f64 twin of linear.wgsl; linear_backward.wgsl is checked against its central difference. */
import { matmulNt } from "./matmul.ts";

export interface LinearSizes {
  /** Rows, outputs, inputs, rank. */
  M: number;
  N: number;
  K: number;
  R: number;
  scale: number;
}

/** y = x w^T + scale (x a^T) b^T + residual; the adapter and the residual may be absent. */
export function linear(
  x: Float64Array, // [M, K]
  w: Float64Array, // [N, K]
  a: Float64Array | undefined, // [R, K]
  b: Float64Array | undefined, // [N, R]
  residual: Float64Array | undefined, // [M, N]
  { M, N, K, R, scale }: LinearSizes,
): Float64Array {
  const y = matmulNt(x, w, { M, N, K, SCALE: 1 });
  if (a && b) {
    const u = matmulNt(x, a, { M, N: R, K, SCALE: scale });
    const update = matmulNt(u, b, { M, N, K: R, SCALE: 1 });
    for (let i = 0; i < y.length; i++) y[i]! += update[i]!;
  }
  if (residual) { for (let i = 0; i < y.length; i++) y[i]! += residual[i]!; }
  return y;
}
