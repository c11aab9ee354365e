/** Sizes of a list of N rows of [T, D]. */
export interface ChunkSizes {
  T: number;
  D: number;
  N: number;
}

/** f64 twin of gather_rows.wgsl: y[n] = x[rows[n]], or 0 where that is no row of x. */
export function gatherRows(
  x: Float64Array, // [T, D]
  rows: Uint32Array,
  { T, D, N }: ChunkSizes,
): Float64Array {
  const y = new Float64Array(N * D);
  for (let n = 0; n < N; n++) {
    const t = rows[n]!;
    if (t < T) y.set(x.subarray(t * D, (t + 1) * D), n * D);
  }
  return y;
}

/** f64 twin of scatter_rows.wgsl: y with x[n] at row rows[n], where that is a row of y. */
export function scatterRows(
  x: Float64Array, // [N, D]
  rows: Uint32Array,
  y: Float64Array, // [T, D]
  { T, D, N }: ChunkSizes,
): Float64Array {
  const written = y.slice();
  for (let n = 0; n < N; n++) {
    const t = rows[n]!;
    if (t < T) written.set(x.subarray(n * D, (n + 1) * D), t * D);
  }
  return written;
}
