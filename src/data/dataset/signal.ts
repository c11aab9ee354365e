/**
 * Something that one part of the encoding waits for and another makes happen.
 *
 * @module
 */

/** Something that happens again and again, and can be waited for. */
export class Signal {
  #next = Promise.withResolvers<void>();

  /** Resolves when it is raised next. */
  get raised(): Promise<void> {
    return this.#next.promise;
  }

  /** Lets all go on that wait. */
  raise(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}
