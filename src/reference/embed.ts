/**
 * f64 twin of embed.wgsl: the rows of `table` that the tokens name. `x` keeps its rows of tokens
 * outside ROW0 .. ROW0 + ROWS - 1. The table is row-major here, not in blocks.
 */
export function embed(
  token: Uint32Array, // [T]
  x: Float64Array, // [T, D]
  table: Float64Array, // [ROWS, D], from row ROW0 on
  { D, ROW0, ROWS, SCALE }: { D: number; ROW0: number; ROWS: number; SCALE: number },
): Float64Array {
  const y = x.slice();
  for (const [t, id] of token.entries()) {
    const row = id - ROW0;
    if (row < 0 || row >= ROWS) continue;
    for (let c = 0; c < D; c++) y[t * D + c] = SCALE * table[row * D + c]!;
  }
  return y;
}

/**
 * f64 twin of embed_backward.wgsl, with the tokens in place of their sorted order. `dtable` and the
 * result are row-major [V padded to a multiple of 4, D].
 */
export function embedBackward(
  token: Uint32Array, // [T]
  dx: Float64Array, // [T, D]
  dtable: Float64Array,
  { V, D, SCALE, ADD }: { V: number; D: number; SCALE: number; ADD: boolean },
): Float64Array {
  const sum = ADD ? dtable.slice() : new Float64Array(Math.ceil(V / 4) * 4 * D);
  for (const [t, id] of token.entries()) {
    for (let c = 0; c < D; c++) sum[id * D + c]! += SCALE * dx[t * D + c]!;
  }
  return sum;
}
