/** f64 twin of sliding_window.wgsl: what rows see, narrowed to the last `window` rows. */
export function slidingWindow(
  { start, end }: { start: Uint32Array; end: Uint32Array }, // [T] each
  window: number,
): { first: Uint32Array; past: Uint32Array } {
  return {
    first: start.map((begin, i) => Math.max(begin, i + 1 - window)),
    past: end.map((stop, j) => Math.min(stop, j + window)),
  };
}
