/**
 * The certificate: a test, on text that nothing else has touched, that no more than the budget is
 * forgotten.
 *
 * @module
 */
import { bernsteinBound, studentQuantile, summary, upperBound } from "../statistics.ts";

/** How sure the certificate is, and by which bound. */
export interface CertifyOptions {
  /** The probability of shipping an adapter that forgets more than its budget. */
  readonly delta: number;
  /** A bound that holds for every number of documents, of shifts clipped to one nat. */
  readonly strict: boolean;
}

/** One slice under test at one strength. */
export interface Bound {
  readonly mean: number;
  readonly se: number;
  /** The upper bound of the mean, in nats a token. */
  readonly upper: number;
  readonly epsilon: number;
  readonly documents: number;
}

/** One strength under test. */
export interface Trial {
  readonly strength: number;
  readonly bounds: readonly Bound[];
  readonly passed: boolean;
}

/** What came of a test. */
export interface Certificate {
  /** In the order of the test; it ends with the first that failed. */
  readonly trials: readonly Trial[];
  /** The last strength that passed; 0, the base itself, passes without a trial. */
  readonly strength: number;
  /** Where the wanted strength failed: about how many more documents would let it pass. */
  readonly more: number | null;
}

/**
 * Strengths to test for a wanted one, ascending: fixed before the certificate's text is touched, so
 * that the test needs no correction for their number.
 */
export const ladder = (wanted: number): number[] =>
  [0.5, 0.7, 0.8, 0.9, 1].map((share) => share * wanted);

/**
 * Tests strengths one after another, each slice at level delta / slices, and stops at the first that
 * fails: a fixed-sequence test, whose family-wise error is at most delta (Maurer et al., 1995).
 *
 * @param shiftsAt the shift of every document of every slice at a strength, in nats a token.
 */
export async function certify(
  strengths: readonly number[],
  epsilons: readonly number[],
  shiftsAt: (strength: number) => Promise<readonly (readonly number[])[]>,
  options: CertifyOptions,
): Promise<Certificate> {
  const delta = options.delta / epsilons.length;
  const trials: Trial[] = [];
  let passed = 0;
  for (const strength of strengths) {
    const shifts = await shiftsAt(strength);
    const bounds = shifts.map((documents, i) =>
      bound(documents, epsilons[i]!, { ...options, delta })
    );
    const holds = bounds.every(({ upper, epsilon }) => upper <= epsilon);
    trials.push({ strength, bounds, passed: holds });
    if (!holds) return { trials, strength: passed, more: documentsWanted(bounds, delta) };
    passed = strength;
  }
  return { trials, strength: passed, more: null };
}

function bound(
  documents: readonly number[],
  epsilon: number,
  { delta, strict }: CertifyOptions,
): Bound {
  const { n, mean, se } = summary(documents);
  const upper = (strict ? bernsteinBound : upperBound)(documents, delta);
  return { mean, se, upper, epsilon, documents: n };
}

/**
 * About how many more documents would let bounds pass whose means are within the budget; null where
 * a mean is not, so that more text would not help.
 */
function documentsWanted(bounds: readonly Bound[], delta: number): number | null {
  const wanted = bounds.map(({ mean, se, epsilon, documents: n, upper }) => {
    if (upper <= epsilon) return 0;
    if (mean >= epsilon) return Infinity;
    const z = n < 2 ? Infinity : studentQuantile(1 - delta, n - 1);
    return Math.ceil((z * se * Math.sqrt(n) / (epsilon - mean)) ** 2) - n;
  });
  const most = Math.max(...wanted);
  return Number.isFinite(most) ? Math.max(1, most) : null;
}
