/** f64 twin of cache_write.wgsl: the cache with the first count[0] rows of x at their positions. */
export function cacheWrite(
  x: Float64Array, // [T, D]
  position: Uint32Array, // [T]
  count: Uint32Array, // [1]
  cache: Float64Array, // [CONTEXT, D]
  { T, D, CONTEXT }: { T: number; D: number; CONTEXT: number },
): Float64Array {
  const written = cache.slice();
  for (let t = 0; t < Math.min(T, count[0]!); t++) {
    if (position[t]! >= CONTEXT) continue;
    written.set(x.subarray(t * D, (t + 1) * D), position[t]! * D);
  }
  return written;
}
