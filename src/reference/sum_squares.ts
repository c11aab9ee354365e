/** f64 twin of sum_squares.wgsl: the sum of squares of each of PARTS ranges of vec4s of x. */
export function sumSquares(
  x: Float64Array, // [N]
  { N, PARTS }: { N: number; PARTS: number },
): Float64Array {
  const partial = new Float64Array(PARTS);
  const length = 4 * Math.ceil(N / 4 / PARTS);
  for (let i = 0; i < N; i++) partial[Math.floor(i / length)]! += x[i]! ** 2;
  return partial;
}
