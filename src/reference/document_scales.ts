/** f64 twin of row_peaks.wgsl and document_scales.wgsl. */

/** What counts of each row, over the largest number of its document in x [T, width]; [T]. */
export function documentScales(
  x: Float64Array, // [T, width]
  counted: Float64Array, // [T]
  { start, end }: { readonly start: ArrayLike<number>; readonly end: ArrayLike<number> }, // [T]
): Float64Array {
  const width = x.length / counted.length;
  return counted.map((count, t) => {
    const document = x.subarray(start[t]! * width, end[t]! * width);
    return count === 0
      ? 0
      : count / Math.abs(document.reduce((most, value) => Math.max(most, value)));
  });
}
