/** f64 twin of accumulate.wgsl: grad where first[0] is not 0, otherwise sum + grad. */
export function accumulate(
  grad: Float64Array,
  first: Uint32Array,
  sum: Float64Array,
): Float64Array {
  return grad.map((value, i) => first[0] ? value : sum[i]! + value);
}
