/**
 * Whoever is told of a run.
 *
 * @module
 */
import { type Patience, withPatience } from "../io/patience.ts";
import type { RunEvent, RunListener } from "../runs/events.ts";

/** Listeners, those that keep the run first. */
export class Audience {
  readonly #listeners: RunListener[];
  readonly #waiting: unknown[] = [];
  /** With what listeners write that keep the run; null before there is something to lose. */
  patience: Patience | null = null;

  constructor(on: RunListener = () => {}) {
    this.#listeners = [on];
  }

  /** Lets others in, before those that are there. */
  join(listeners: readonly RunListener[]): void {
    this.#listeners.unshift(...listeners);
  }

  /** Tells all; what one throws is thrown. */
  tell(event: RunEvent): void {
    const told = this.patiently(() => this.#listeners.map((listener) => listener(event)));
    this.#waiting.push(...told.filter((of) => of instanceof Promise));
  }

  /** Runs `work` with the patience of the run. */
  patiently<T>(work: () => T): T {
    return this.patience ? withPatience(this.patience, work) : work();
  }

  /** Tells all of a fault, which nothing that follows from it may hide. */
  tellFault(error: Error): void {
    for (const listener of this.#listeners) {
      quietly(() => this.#waiting.push(listener({ kind: "fault", error })));
    }
  }

  /** Waits for what listeners have begun. */
  async settled(): Promise<void> {
    await Promise.all(this.#waiting);
  }
}

/** What follows a fault must not hide it. */
export function quietly(action: () => void): void {
  try {
    action();
  } catch { /* the first fault is the one to tell */ }
}
