/**
 * The statistics of the guard: means with their errors, upper bounds, and a test of paired answers.
 *
 * @module
 */

/** A sample in short. */
export interface Sample {
  readonly n: number;
  readonly mean: number;
  /** Standard deviation, over n - 1; 0 for fewer than two numbers. */
  readonly sd: number;
  /** Standard error of the mean, sd / sqrt(n). */
  readonly se: number;
}

/** @throws {RangeError} for an empty sample. */
export function summary(numbers: ArrayLike<number>): Sample {
  const n = numbers.length;
  if (n === 0) throw new RangeError("Found no numbers, wanted at least one");
  const mean = sum(numbers) / n;
  const squares = Array.from(numbers, (x) => (x - mean) ** 2);
  const sd = n > 1 ? Math.sqrt(sum(squares) / (n - 1)) : 0;
  return { n, mean, sd, se: sd / Math.sqrt(n) };
}

/**
 * The one-sided upper bound of a mean at level 1 - delta by Student's t: mean + t se. Asymptotic
 * where the numbers are not normal. Infinite for fewer than two.
 */
export function upperBound(numbers: ArrayLike<number>, delta: number): number {
  const { n, mean, se } = summary(numbers);
  return n < 2 ? Infinity : mean + studentQuantile(1 - delta, n - 1) * se;
}

/**
 * The upper bound of the mean of numbers clipped to -limit .. limit, at level 1 - delta for every
 * n: the empirical Bernstein bound (Maurer and Pontil, 2009, arXiv 0907.3740, theorem 4).
 */
export function bernsteinBound(numbers: ArrayLike<number>, delta: number, limit = 1): number {
  const clipped = Array.from(numbers, (x) => Math.max(-limit, Math.min(limit, x)));
  const { n, mean, sd } = summary(clipped);
  if (n < 2) return Infinity;
  const tail = Math.log(2 / delta);
  return mean + Math.sqrt(2 * sd ** 2 * tail / n) + 7 * (2 * limit) * tail / (3 * (n - 1));
}

/** The number below which Student's t with `df` degrees of freedom falls with probability p. */
export function studentQuantile(p: number, df: number): number {
  if (p === 0.5) return 0;
  if (p < 0.5) return -studentQuantile(1 - p, df);
  let [below, above] = [0, 1];
  while (studentCdf(above, df) < p) above *= 2;
  for (let i = 0; i < 100; i++) {
    const middle = (below + above) / 2;
    if (studentCdf(middle, df) < p) below = middle;
    else above = middle;
  }
  return (below + above) / 2;
}

/** P(t <= x) for x >= 0. */
function studentCdf(x: number, df: number): number {
  return 1 - incompleteBeta(df / (df + x * x), df / 2, 0.5) / 2;
}

/** The regularised incomplete beta function, by its continued fraction (Lentz's method). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  ) / a;
  const away = (y: number) => Math.abs(y) < 1e-300 ? 1e-300 : y;
  let c = 1;
  let d = 1 / away(1 - (a + b) * x / (a + 1));
  let fraction = d;
  for (let m = 1; m < 500; m++) {
    const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    for (const term of [even, odd]) {
      d = 1 / away(1 + term * d);
      c = away(1 + term / c);
      fraction *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return front * fraction;
}

/** log(gamma(x)) for x > 0: Stirling's series after a few steps of the recurrence. */
function logGamma(x: number): number {
  let shift = 0;
  for (; x < 10; x++) shift -= Math.log(x);
  const y = 1 / (x * x);
  const series = (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y / 1680))) / x;
  return shift + (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series;
}

/**
 * McNemar's exact test: the two-sided probability that of `lost + won` changed answers so uneven
 * a part was lost, if losing and winning were equally likely.
 */
export function mcnemar(lost: number, won: number): number {
  const n = lost + won;
  const choose = (k: number) =>
    Math.exp(
      logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1) -
        n * Math.LN2,
    );
  let tail = 0;
  for (let k = 0; k <= Math.min(lost, won); k++) tail += choose(k);
  return Math.min(1, 2 * tail);
}

function sum(numbers: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < numbers.length; i++) total += numbers[i]!;
  return total;
}
