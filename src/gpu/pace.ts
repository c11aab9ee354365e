/**
 * Pace: how many dispatches go into one submit, so that none takes so long that the system takes the
 * device for hung. Desktops reset it after two seconds (Windows' TDR, macOS).
 *
 * @module
 */

/** Milliseconds that a submit is to take at most: a quarter of the shortest watchdog's. */
export const SUBMIT_MS = 500;

/**
 * Dispatches of a submit until it is known how long they take: a slow GPU may need a tenth of a second
 * for a large product.
 */
const FIRST = 4;

/** Finds the pace of one program from its first replay. */
export class Pace {
  /** Dispatches of a submit. */
  perSubmit: number;
  #slowest = 0;
  #last = 0;
  #waiting = 0;
  #isMeasured: boolean;

  /** @param isWatched false: there is no watchdog, so all go into one submit. */
  constructor(isWatched: boolean) {
    this.#isMeasured = !isWatched;
    this.perSubmit = isWatched ? FIRST : Infinity;
  }

  /** Measures a submit of the first replay; `isLast` of it. */
  measure(queue: Pick<GPUQueue, "onSubmittedWorkDone">, isFirst: boolean, isLast: boolean): void {
    if (this.#isMeasured) return;
    if (isFirst) this.#last = performance.now();
    if (isLast) this.#isMeasured = true;
    this.#waiting++;
    queue.onSubmittedWorkDone().then(() => {
      const now = performance.now();
      this.#took(now - this.#last);
      this.#last = now;
    }, () => {/* a lost device is told elsewhere */});
  }

  #took(ms: number): void {
    this.#slowest = Math.max(this.#slowest, ms);
    this.#waiting--;
    if (!this.#isMeasured || this.#waiting > 0) return;
    this.perSubmit = paceOf(this.#slowest);
  }
}

/** How many dispatches go into a submit, where the slowest so far of {@link FIRST} took so long. */
export function paceOf(slowestMs: number): number {
  return Math.max(1, Math.floor(FIRST * SUBMIT_MS / Math.max(slowestMs, 1)));
}
