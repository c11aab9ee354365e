/** f64 twin of columns.wgsl: `width` columns of x [T, stride], from column `from` on. */
export function columns(
  x: Float64Array,
  { stride, from, width }: { stride: number; from: number; width: number },
): Float64Array {
  const isInside = (column: number) => column >= from && column < from + width;
  return x.filter((_, i) => isInside(i % stride));
}

/** Parts [T, width] side by side: {@link columns} the other way. */
export function joined(parts: readonly { x: Float64Array; width: number }[]): Float64Array {
  const T = parts[0]!.x.length / parts[0]!.width;
  const rows = Array.from(
    { length: T },
    (_, t) => parts.flatMap(({ x, width }) => [...x.subarray(t * width, (t + 1) * width)]),
  );
  return Float64Array.from(rows.flat());
}
