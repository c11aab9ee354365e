/** What an update needs: the `Step` of adamw.wgsl, with t in place of the corrections. */
export interface AdamWStep {
  rate: number;
  decay: number;
  t: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  clip: number;
}

/**
 * f64 twin of adamw.wgsl: torch's AdamW update number t (from 1) after torch's
 * `clip_grad_norm_`; `norm` is the sum of squares of the gradients of all parameters.
 */
export function adamw(
  p: Float64Array,
  grad: Float64Array,
  m: Float64Array,
  v: Float64Array,
  { rate, decay, t, beta1, beta2, epsilon, clip }: AdamWStep,
  norm: number,
): { p: Float64Array; m: Float64Array; v: Float64Array } {
  const scale = clip > 0 ? Math.min(1, clip / (Math.sqrt(norm) + 1e-6)) : 1;
  const m1 = m.map((m, i) => beta1 * m + (1 - beta1) * scale * grad[i]!);
  const v1 = v.map((v, i) => beta2 * v + (1 - beta2) * (scale * grad[i]!) ** 2);
  const p1 = p.map((p, i) => {
    const root = Math.sqrt(v1[i]!) / Math.sqrt(1 - beta2 ** t);
    return p * (1 - rate * decay) - rate / (1 - beta1 ** t) * m1[i]! / (root + epsilon);
  });
  return { p: p1, m: m1, v: v1 };
}
