/**
 * Where names are looked up.
 *
 * @module
 */

import type { Value } from "./values/value.ts";

/** Names of a block, a loop's turn or a macro, and of what is around it. */
export class Scope {
  readonly #names = new Map<string, Value>();

  constructor(readonly parent: Scope | null = null) {}

  get(name: string): Value | undefined {
    const found = this.#names.get(name);
    return found === undefined ? this.parent?.get(name) : found;
  }

  set(name: string, value: Value): void {
    this.#names.set(name, value);
  }
}
