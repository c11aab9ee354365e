/** f64 twin of scale_rows.wgsl: each row of x [T, width] times a number of its own, by [T]. */
export function scaleRows(x: Float64Array, by: Float64Array): Float64Array {
  const width = x.length / by.length;
  return x.map((value, i) => value * by[Math.floor(i / width)]!);
}
