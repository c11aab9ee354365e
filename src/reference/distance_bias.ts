/** f64 twin of distance_bias.wgsl: the bias of each distance, [H, N]. */
export function distanceBias(
  table: Float64Array, // [BUCKETS, H]
  bucket: Uint32Array, // [N]
  H: number,
): Float64Array {
  const N = bucket.length;
  return Float64Array.from({ length: H * N }, (_, at) => {
    const h = Math.floor(at / N);
    return table[bucket[at % N]! * H + h]!;
  });
}
