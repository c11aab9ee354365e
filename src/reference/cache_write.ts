/** f64 twin of cache_write.wgsl: the first count[0] rows of x, each at its place in its slot. */
export function cacheWrite(
  x: Float64Array, // [T, D]
  slot: Uint32Array, // [T]
  position: Uint32Array, // [T]
  count: Uint32Array, // [1]
  cache: Float64Array, // [SLOTS, CONTEXT, D]
  { T, D, CONTEXT, SLOTS }: { T: number; D: number; CONTEXT: number; SLOTS: number },
): Float64Array {
  const written = cache.slice();
  for (let t = 0; t < Math.min(T, count[0]!); t++) {
    if (slot[t]! >= SLOTS || position[t]! >= CONTEXT) continue;
    written.set(x.subarray(t * D, (t + 1) * D), (slot[t]! * CONTEXT + position[t]!) * D);
  }
  return written;
}
