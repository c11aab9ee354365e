/** f64 twin of fill.wgsl: N times VALUE. */
export function fill({ N, VALUE }: { N: number; VALUE: number }): Float64Array {
  return new Float64Array(N).fill(VALUE);
}
