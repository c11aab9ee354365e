/** f64 twins of scale_columns.wgsl and column_dots.wgsl. */

/** y = z * s in each row of z [T, width]; the residual may be absent. */
export function scaleColumns(
  z: Float64Array, // [T, width]
  s: Float64Array, // [width]
  residual?: Float64Array, // [T, width]
): Float64Array {
  return z.map((value, i) => value * s[i % s.length]! + (residual?.[i] ?? 0));
}

/** The sum of a * b over the rows, column by column, [width]. */
export function columnDots(a: Float64Array, b: Float64Array, width: number): Float64Array {
  const sum = new Float64Array(width);
  for (let i = 0; i < a.length; i++) sum[i % width]! += a[i]! * b[i]!;
  return sum;
}
