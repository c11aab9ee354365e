/** What an update needs: the `Step` of the kernels and the constants. */
export interface MuonStep {
  rate: number;
  decay: number;
  momentum: number;
  nesterov: boolean;
  clip: number;
  rows: number;
  columns: number;
}

/** The quintic step of Newton and Schulz that Muon takes. */
const [A, B, C] = [3.4445, -4.775, 2.0315];

/**
 * f64 twin of muon_momentum.wgsl, muon_gram.wgsl, muon_unit.wgsl, muon_product.wgsl and
 * muon_apply.wgsl together: torch's Muon of one matrix, whose steps are taken on the matrix itself;
 * `norm` is the sum of squares of the gradients of all parameters.
 */
export function muon(
  p: Float64Array,
  grad: Float64Array,
  m: Float64Array,
  { rate, decay, momentum, nesterov, clip, rows, columns }: MuonStep,
  norm: number,
): { p: Float64Array; m: Float64Array } {
  const scale = clip > 0 ? Math.min(1, clip / (Math.sqrt(norm) + 1e-6)) : 1;
  const g = grad.map((g) => scale * g);
  const m1 = m.map((m, i) => m + (1 - momentum) * (g[i]! - m));
  const u = nesterov ? g.map((g, i) => g + momentum * (m1[i]! - g)) : m1;
  const o = rows > columns
    ? turned(orthogonal(turned(u, rows), columns), columns)
    : orthogonal(u, rows);
  const size = rate * Math.sqrt(Math.max(1, rows / columns));
  return { p: p.map((p, i) => p * (1 - rate * decay) - size * o[i]!), m: m1 };
}

/** Five steps of a matrix that has no more rows than columns. */
function orthogonal(u: Float64Array, rows: number): Float64Array {
  const norm = Math.max(Math.hypot(...u), 1e-7);
  let x = u.map((u) => u / norm);
  for (let step = 0; step < 5; step++) {
    const gram = product(x, turned(x, rows), rows);
    const square = product(gram, gram, rows);
    const polynomial = gram.map((g, i) => B * g + C * square[i]!);
    const moved = product(polynomial, x, rows);
    x = x.map((x, i) => A * x + moved[i]!);
  }
  return x;
}

/** x [rows, k] times y [k, n]. */
function product(x: Float64Array, y: Float64Array, rows: number): Float64Array {
  const k = x.length / rows;
  const n = y.length / k;
  return Float64Array.from({ length: rows * n }, (_, at) => {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += x[Math.floor(at / n) * k + i]! * y[i * n + at % n]!;
    return sum;
  });
}

/** A matrix of so many rows the other way round. */
function turned(x: Float64Array, rows: number): Float64Array {
  const columns = x.length / rows;
  return x.map((_, at) => x[at % rows * columns + Math.floor(at / rows)]!);
}
