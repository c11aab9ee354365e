/** f64 twin of bias.wgsl: x [T, D] with b [D] added to every row. */
export function bias(x: Float64Array, b: Float64Array): Float64Array {
  return x.map((value, i) => value + b[i % b.length]!);
}
