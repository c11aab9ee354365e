/**
 * Means with their errors, and a test of paired answers.
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
