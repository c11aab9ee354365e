/** What {@link replaceRows} goes by. */
interface Places {
  readonly token: ArrayLike<number>; // [T]
  readonly ids: ArrayLike<number>; // [N]
  readonly D: number;
  readonly SCALE: number;
}

/** f64 twin of replace_rows.wgsl. */
export function replaceRows(
  x: Float64Array, // [T, D]
  rows: Float64Array, // [N, D]
  { token, ids, D, SCALE }: Places,
): Float64Array {
  return x.map((x, at) => {
    const j = Array.from(ids).indexOf(token[Math.floor(at / D)]!);
    return j < 0 ? x : SCALE * rows[j * D + at % D]!;
  });
}

/** f64 twin of replace_rows_backward.wgsl. */
export function replaceRowsBackward(
  dx: Float64Array, // [T, D]
  { token, ids, D, SCALE }: Places,
): Float64Array {
  const drows = new Float64Array(ids.length * D);
  for (const [at, d] of dx.entries()) {
    const j = Array.from(ids).indexOf(token[Math.floor(at / D)]!);
    if (j >= 0) drows[j * D + at % D]! += SCALE * d;
  }
  return drows;
}
