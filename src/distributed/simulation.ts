/**
 * How long an update takes with many ranks: the alpha-beta model of messages (Hockney, 1994, Parallel
 * Computing 20) with the overhead of LogP (Culler et al., 1993) and what the host does beside them.
 *
 * @module
 */

import { PIECE } from "./communicator.ts";

/** Of a network and the machines on it. */
export interface Constants {
  /** Seconds that a message takes whatever its size. */
  readonly alpha: number;
  /** Seconds that a piece takes beside its messages: what a rank itself does to begin and end it. */
  readonly overhead: number;
  /** Bytes a second that a rank sends while it receives as many: of its link, or of the host if fewer. */
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
  /** Updates from one average of params and moments to the next; a gradient in every update where absent. */
  readonly local?: number;
}

/** What is averaged after local updates: params, and the two moments of AdamW. */
const AVERAGED = 3;

/** The formula, as it is printed. */
export const FORMULA = `update(n) = compute * (1 + spread * most(n)) + wait + 2 S / bus + sum(n)
            most(n), the mean of the largest of n standard normal numbers
sum(n)    = p (2 (n - 1) alpha + overhead) + 2 (n - 1) / n * S / beta + (n - 1) / n * S / gamma,
            p = ceil(S / n / 256 KiB), the pieces of a rank's part
with train.local_updates H, params and AdamW's two moments being averaged, in place of sum(n):
            sum(n) of one number + 3 (sum(n) + 2 S / bus) / H
efficiency(n) = update(1) / update(n), where update(1) = compute: one rank sums on its device`;

/** Seconds of a sum of so many bytes over n ranks, as `Communicator.sum` makes it. */
export function sumSeconds(n: number, bytes: number, constants: Constants): number {
  const { alpha, overhead, beta, gamma } = constants;
  const share = (n - 1) / n * bytes;
  const pieces = Math.ceil(bytes / n / (4 * PIECE));
  return n === 1 ? 0 : pieces * (2 * (n - 1) * alpha + overhead) + 2 * share / beta + share / gamma;
}

/** The step and the ends of the integral below: its error is below 1e-5. */
const [STEP, END] = [1e-3, 8];

/** The mean of the largest of n standard normal numbers: the integral of 1 - P^n above 0, less that of P^n below. */
export function meanOfLargest(n: number): number {
  let [below, mean] = [0, 0];
  for (let x = -END + STEP / 2; x < END; x += STEP) {
    const density = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    const share = (below + density * STEP / 2) ** n;
    mean += STEP * (x > 0 ? 1 - share : -share);
    below += density * STEP;
  }
  return mean;
}

/** Seconds of an update. All wait for the slowest of n ranks. */
export function updateSeconds(n: number, work: Work, constants: Constants): number {
  const { compute, spread, wait, bus, bytes, local } = work;
  if (n === 1) return compute;
  const slowest = compute * (1 + spread * meanOfLargest(n));
  const moved = 2 * bytes / bus;
  const sum = sumSeconds(n, bytes, constants);
  const shared = local === undefined
    ? sum
    : sumSeconds(n, 1, constants) + AVERAGED * (sum + moved) / local;
  return slowest + wait + moved + shared;
}
