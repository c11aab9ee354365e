/**
 * Examples drawn from a mixture.
 *
 * @module
 */

import type { Mixture } from "./mixture.ts";
import { Numbers } from "../store/growable_array.ts";
import type { Order, Places } from "./order.ts";

/** Examples that are drawn or counted before others are waited for. */
export const AT_A_TIME = 256;

/**
 * The examples of an epoch of a mixture: each time the source that is furthest behind its share gives
 * its next one, until as many supervised tokens are drawn as all sources hold.
 */
export class Drawing implements Order {
  readonly places: number[];
  readonly #drawn = new Numbers(Uint32Array);
  /** Supervised tokens of each source over its weight. */
  readonly #taken: number[];
  readonly #weights: readonly number[];
  #tokens = 0;

  /** Nothing yet, from places of the sources on. */
  constructor(private readonly mixture: Mixture, places: Places) {
    this.places = [...places];
    this.#weights = mixture.weights;
    this.#taken = this.#weights.map(() => 0);
  }

  get length(): number {
    return this.#drawn.length;
  }

  get isWhole(): boolean {
    return this.#isCounted && this.#tokens >= this.mixture.tokens;
  }

  at(index: number): number {
    return this.#drawn.at(index);
  }

  /** Waits for the next of each source; and for some more where it may be that the epoch is over. */
  async drawable(): Promise<void> {
    const { mixture, mixture: { examples } } = this;
    if (!examples.arrived) return;
    const next = this.places.map((place, source) => mixture.ahead(source, place, AT_A_TIME));
    await examples.arrived(next.flat());
    while (this.#tokens >= mixture.tokens && !this.#isCounted) {
      const { counted } = mixture;
      const end = Math.min(counted + AT_A_TIME, examples.length);
      await examples.arrived(Array.from({ length: end - counted }, (_, i) => counted + i));
      mixture.count(end);
    }
  }

  draw(): void {
    const { mixture } = this;
    if (this.#tokens >= mixture.tokens && !this.#isCounted) {
      throw new RangeError("Found examples not yet encoded, wanted those that were waited for");
    }
    for (let i = 0; i < AT_A_TIME && this.#tokens < mixture.tokens; i++) {
      const source = this.#taken.indexOf(Math.min(...this.#taken));
      const example = mixture.at(source, this.places[source]!++);
      const tokens = mixture.supervised(example);
      if (tokens === 0) continue; // left out
      this.#drawn.push(example);
      this.#tokens += tokens;
      this.#taken[source]! += tokens / this.#weights[source]!;
    }
  }

  get #isCounted(): boolean {
    return this.mixture.counted === this.mixture.examples.length;
  }
}
