/** f64 twin of total.wgsl: the sum of x. */
export function total(x: Float64Array): number {
  return x.reduce((sum, value) => sum + value, 0);
}
