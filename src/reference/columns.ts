/** f64 twin of columns.wgsl: `width` columns of x [T, stride], from column `from` on. */
export function columns(
  x: Float64Array,
  { stride, from, width }: { stride: number; from: number; width: number },
): Float64Array {
  const isInside = (column: number) => column >= from && column < from + width;
  return x.filter((_, i) => isInside(i % stride));
}
