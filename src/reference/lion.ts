/** What an update needs: the `Step` of lion.wgsl and the constants. */
export interface LionStep {
  rate: number;
  decay: number;
  beta1: number;
  beta2: number;
  clip: number;
}

/**
 * f64 twin of lion.wgsl, after torch's `clip_grad_norm_`; `norm` is the sum of squares of the
 * gradients of all parameters.
 */
export function lion(
  p: Float64Array,
  grad: Float64Array,
  m: Float64Array,
  { rate, decay, beta1, beta2, clip }: LionStep,
  norm: number,
): { p: Float64Array; m: Float64Array } {
  const scale = clip > 0 ? Math.min(1, clip / (Math.sqrt(norm) + 1e-6)) : 1;
  return {
    p: p.map((p, i) => {
      const way = Math.sign(beta1 * m[i]! + (1 - beta1) * scale * grad[i]!);
      return p * (1 - rate * decay) - rate * way;
    }),
    m: m.map((m, i) => beta2 * m + (1 - beta2) * scale * grad[i]!),
  };
}
