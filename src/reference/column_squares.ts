/** f64 twin of column_squares.wgsl: sum[c] + the sum over the first `used` rows of x[t, c]^2. */
export function columnSquares(x: Float64Array, used: number, sum: Float64Array): Float64Array {
  const D = sum.length;
  return sum.map((before, c) => {
    let total = before;
    for (let t = 0; t < used; t++) total += x[t * D + c]! ** 2;
    return total;
  });
}
