/** f64 twin of sum_rows.wgsl: the sum of each of PARTS ranges of the rows of x, [PARTS, D]. */
export function sumRows(
  x: Float64Array, // [ROWS, D]
  { ROWS, D, PARTS }: { ROWS: number; D: number; PARTS: number },
): Float64Array {
  const y = new Float64Array(PARTS * D);
  const rows = Math.ceil(ROWS / PARTS);
  for (let row = 0; row < ROWS; row++) {
    for (let c = 0; c < D; c++) y[Math.floor(row / rows) * D + c]! += x[row * D + c]!;
  }
  return y;
}
