/**
 * How long an update takes with many ranks: the alpha-beta model of messages (Hockney, 1994, Parallel
 * Computing 20), with what the host does beside them.
 *
 * @module
 */

/** Of a network and the machines on it. */
export interface Constants {
  /** Seconds that a message takes whatever its size. */
  readonly alpha: number;
  /** Bytes a second that a rank sends while it receives as many. */
  readonly beta: number;
  /** Bytes a second that a rank adds. */
  readonly gamma: number;
}

/** Of a run. */
export interface Work {
  /** Seconds of the micro-batches of one rank in an update. */
  readonly compute: number;
  /** The standard deviation of that from rank to rank and update to update, as a share of it. */
  readonly spread: number;
  /** Seconds that the gradient takes from the device and back, beside `bytes` / `bus`. */
  readonly wait: number;
  /** Bytes a second between device and host. */
  readonly bus: number;
  /** Bytes of the gradient. */
  readonly bytes: number;
}

/** The formula, as it is printed. */
export const FORMULA =
  `update(n) = compute * (1 + spread * sqrt(2 ln n)) + wait + 2 S / bus + sum(n)
sum(n)    = 2 (n - 1) alpha + 2 (n - 1) / n * S / beta + (n - 1) / n * S / gamma
efficiency(n) = update(1) / update(n), where update(1) = compute: one rank sums on its device`;

/** Seconds of a sum of so many bytes over n ranks, as `Communicator.sum` makes it. */
export function sumSeconds(n: number, bytes: number, { alpha, beta, gamma }: Constants): number {
  const share = (n - 1) / n * bytes;
  return 2 * (n - 1) * alpha + 2 * share / beta + share / gamma;
}

/**
 * Seconds of an update. All wait for the slowest of n ranks: sqrt(2 ln n) standard deviations above the
 * mean, which the maximum of n normal numbers does not exceed on average.
 */
export function updateSeconds(n: number, work: Work, constants: Constants): number {
  const { compute, spread, wait, bus, bytes } = work;
  if (n === 1) return compute;
  const slowest = compute * (1 + spread * Math.sqrt(2 * Math.log(n)));
  return slowest + wait + 2 * bytes / bus + sumSeconds(n, bytes, constants);
}

/** A sum that was timed. */
export interface Point {
  readonly bytes: number;
  readonly seconds: number;
}

/** The alpha and beta that come nearest to some points, by least squares of relative errors. */
export function fitted(points: readonly Point[], n: number, gamma: number): Constants {
  // seconds = a + b bytes, each point weighed by 1 / seconds
  let [ww, wx, xx, wy, xy] = [0, 0, 0, 0, 0];
  for (const { bytes, seconds } of points) {
    const [w, x] = [1 / seconds, bytes / seconds];
    ww += w * w;
    wx += w * x;
    xx += x * x;
    wy += w;
    xy += x;
  }
  const determinant = ww * xx - wx * wx;
  const a = (wy * xx - wx * xy) / determinant;
  const b = (ww * xy - wx * wy) / determinant;
  const share = (n - 1) / n;
  return { alpha: a / (2 * (n - 1)), beta: 2 * share / (b - share / gamma), gamma };
}
