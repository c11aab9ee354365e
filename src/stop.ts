/**
 * The wish that work should end early. Whoever starts work says by what it may be stopped; the work
 * heeds it between two of its pieces, however deep they are, and leaves nothing half done.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { StoppedError } from "./errors.ts";

/** Whether work is to end; an `AbortSignal` is one. */
export interface Stop {
  /** Looked at between two pieces of work. */
  readonly aborted: boolean;
}

/** Milliseconds between two looks while something else is waited for. */
const LOOK = 100;

const stops = new AsyncLocalStorage<Stop>();

/**
 * Runs `work`, and all that it begins, so that `stop` ends it early.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { StoppedError } from "./errors.ts";
 * const stop = new AbortController();
 * const work = stoppable(stop.signal, async () => {
 *   for (;; heed()) await new Promise((resolve) => setTimeout(resolve, 1));
 * });
 * stop.abort();
 * await assert.rejects(work, StoppedError);
 * ```
 */
export const stoppable = <T>(stop: Stop, work: () => T): T => stops.run(stop, work);

/** Runs `work` so that nothing ends it early. */
export const unstoppable = <T>(work: () => T): T => stops.run({ aborted: false }, work);

/** What the work under way may be stopped by, for work within that nothing ends early. */
export const stopUnderWay = (): Stop => stops.getStore() ?? { aborted: false };

/** Whether the work under way is to end. */
export const isStopWanted = (): boolean => stops.getStore()?.aborted ?? false;

/** @throws {StoppedError} where the work under way is to end. */
export function heed(): void {
  if (isStopWanted()) throw new StoppedError("Stopped");
}

/**
 * Waits for something that cannot be hurried.
 *
 * @throws {StoppedError} where the work under way is to end before.
 */
export async function heeding<T>(something: Promise<T>): Promise<T> {
  const arrived = something.then(() => true, () => true);
  for (let isThere = false; !isThere;) {
    heed();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), LOOK);
    isThere = await Promise.race([arrived, promise]).finally(() => clearTimeout(timer));
  }
  return await something;
}

/** What `work` comes to, or null where it was stopped. */
export async function orStopped<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (fault) {
    if (fault instanceof StoppedError) return null;
    throw fault;
  }
}
