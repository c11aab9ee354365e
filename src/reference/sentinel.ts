/** Twin of sentinel.wgsl: whether a number of x is NaN or infinite. */
export function sentinel(x: Float32Array): boolean {
  return !x.every(Number.isFinite);
}
