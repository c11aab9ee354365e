/** What an update needs: the `Step` of the kernels, with t in place of its powers, and the constants. */
export interface AdafactorStep {
  rate: number;
  decay: number;
  t: number;
  epsilon: number;
  clip: number;
  rows: number;
  columns: number;
}

/**
 * f64 twin of adafactor_lines.wgsl, adafactor_squares.wgsl, adafactor_scale.wgsl and
 * adafactor_apply.wgsl together: update number t (from 1) of one matrix by transformers' Adafactor;
 * `norm` is the sum of squares of the gradients of all parameters.
 */
export function adafactor(
  p: Float64Array,
  grad: Float64Array,
  byRow: Float64Array,
  byColumn: Float64Array,
  { rate, decay, t, epsilon, clip, rows, columns }: AdafactorStep,
  norm: number,
): { p: Float64Array; byRow: Float64Array; byColumn: Float64Array } {
  const scale = clip > 0 ? Math.min(1, clip / (Math.sqrt(norm) + 1e-6)) : 1;
  const g = grad.map((g) => scale * g);
  const squares = g.map((g) => g * g + epsilon);
  const beta = 1 - t ** -0.8;
  const moved = (v: number, mean: number) => beta * v + (1 - beta) * mean;
  const meanOf = (numbers: Float64Array) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  const byRow1 = byRow.map((v, i) =>
    moved(v, meanOf(squares.subarray(i * columns, (i + 1) * columns)))
  );
  const byColumn1 = byColumn.map((v, j) =>
    moved(v, meanOf(squares.filter((_, at) => at % columns === j)))
  );
  const mean = meanOf(byRow1);
  const u = g.map((g, at) =>
    g / Math.sqrt(byRow1[Math.floor(at / columns)]! / mean * byColumn1[at % columns]!)
  );
  const size = Math.max(1, Math.hypot(...u) / Math.sqrt(rows * columns));
  const p1 = p.map((p, at) => p * (1 - rate * decay) - rate * u[at]! / size);
  return { p: p1, byRow: byRow1, byColumn: byColumn1 };
}
