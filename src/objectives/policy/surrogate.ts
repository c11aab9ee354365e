/**
 * What is minimised in place of rewards: a clipped ratio times an advantage, and a divergence, each with
 * its derivative by the log-likelihood under the model as it is.
 *
 * @module
 */

/** A loss and its derivative. */
export interface Surrogate {
  readonly loss: number;
  readonly derivative: number;
}

/** How far a ratio may go before it gains nothing more. */
export interface Clipping {
  /** Below 1. */
  readonly epsilon: number;
  /** Above 1. */
  readonly epsilon_high: number;
}

/**
 * PPO's clipped objective (Schulman et al., 2017, arXiv 1707.06347), negated:
 * -min(ratio * advantage, clip(ratio, 1 - epsilon, 1 + epsilon_high) * advantage).
 *
 * @param logRatio of the model as it is to the one that drew, in nats.
 */
export function clipped(
  logRatio: number,
  advantage: number,
  clipping: Clipping,
): Surrogate & { readonly isClipped: boolean } {
  const ratio = Math.exp(logRatio);
  const { epsilon, epsilon_high: high } = clipping;
  const isClipped = advantage > 0 ? ratio > 1 + high : advantage < 0 && ratio < 1 - epsilon;
  if (!isClipped) {
    return { loss: -ratio * advantage, derivative: -ratio * advantage, isClipped };
  }
  return { loss: -(advantage > 0 ? 1 + high : 1 - epsilon) * advantage, derivative: 0, isClipped };
}

/** The divergence of a token from the base, never below 0: Schulman's k3, e^x - x - 1 of base over tuned. */
export function tokenDivergence(tuned: number, base: number): number {
  return Math.expm1(base - tuned) - (base - tuned);
}

/**
 * {@link tokenDivergence} with its derivative; where it is weighed by the ratio the derivative of its
 * mean is that of the divergence itself, whoever drew.
 *
 * @param ratio what it is weighed by, with the mean divergence of the tokens that share the ratio; by
 * nothing where null.
 */
export function divergence(
  { tuned, base }: { readonly tuned: number; readonly base: number },
  ratio: { readonly logRatio: number; readonly mean: number } | null,
): Surrogate {
  const loss = tokenDivergence(tuned, base);
  const slope = -Math.expm1(base - tuned);
  if (!ratio) return { loss, derivative: slope };
  const weight = Math.exp(ratio.logRatio);
  return { loss: weight * loss, derivative: weight * (slope + ratio.mean) };
}
