/** f64 twin of add_squares.wgsl: sum + x^2. */
export function addSquares(x: Float64Array, sum: Float64Array): Float64Array {
  return sum.map((value, i) => value + x[i]! ** 2);
}
