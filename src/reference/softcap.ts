/** f64 twin of softcap.wgsl: x kept within -cap .. cap; a cap of 0 is none. */
export function softcap(x: Float64Array, cap: number): Float64Array {
  return cap === 0 ? x : x.map((value) => cap * Math.tanh(value / cap));
}
