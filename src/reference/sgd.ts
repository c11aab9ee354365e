/** What an update needs: the `Step` of sgd.wgsl and the constants. */
export interface SgdStep {
  rate: number;
  decay: number;
  momentum: number;
  nesterov: boolean;
  clip: number;
}

/**
 * f64 twin of sgd.wgsl: torch's SGD after torch's `clip_grad_norm_`; `norm` is the sum of squares of
 * the gradients of all parameters.
 */
export function sgd(
  p: Float64Array,
  grad: Float64Array,
  m: Float64Array,
  { rate, decay, momentum, nesterov, clip }: SgdStep,
  norm: number,
): { p: Float64Array; m: Float64Array } {
  const scale = clip > 0 ? Math.min(1, clip / (Math.sqrt(norm) + 1e-6)) : 1;
  const g = grad.map((grad, i) => scale * grad + decay * p[i]!);
  const m1 = m.map((m, i) => momentum * m + g[i]!);
  const change = nesterov ? g.map((g, i) => g + momentum * m1[i]!) : m1;
  return { p: p.map((p, i) => p - rate * change[i]!), m: m1 };
}
