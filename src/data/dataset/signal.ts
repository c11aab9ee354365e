/**
 * Something that happens again and again, and can be waited for.
 *
 * @module
 */

/** Wakes whoever waits. */
export class Signal {
  #next = Promise.withResolvers<void>();

  /** Resolves when it is raised next. */
  get raised(): Promise<void> {
    return this.#next.promise;
  }

  /** Wakes all who wait now. */
  raise(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}
