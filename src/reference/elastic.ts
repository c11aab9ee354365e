/** f64 twin of elastic.wgsl: the penalty of x by f, and its gradient. */
export function elastic(
  x: Float64Array, // [N]
  f: Float64Array, // [N]
  weight: number,
): { loss: number; dx: Float64Array } {
  const loss = x.reduce((sum, value, i) => sum + weight / 2 * f[i]! * value ** 2, 0);
  return { loss, dx: x.map((value, i) => weight * f[i]! * value) };
}
