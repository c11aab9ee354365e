/**
 * Examples sampled from a mixture.
 *
 * @module
 */

import { GrowableArray } from "../../io/store/growable_array.ts";
import type { Cursors, Order } from "./epoch.ts";
import { AT_A_TIME, type Mixture } from "./mixture.ts";

/**
 * The examples of an epoch of a mixture: each time the source that is furthest behind its share gives
 * its next one, until as many supervised tokens are sampled as all sources hold.
 */
export class MixtureSampler implements Order {
  readonly cursors: number[];
  readonly #sampled = new GrowableArray(Uint32Array);
  /** Supervised tokens of each source over its weight. */
  readonly #taken: number[];
  readonly #weights: readonly number[];
  #tokens = 0;

  constructor(private readonly mixture: Mixture, cursors: Cursors) {
    this.cursors = [...cursors];
    this.#weights = mixture.weights;
    this.#taken = this.#weights.map(() => 0);
  }

  get length(): number {
    return this.#sampled.length;
  }

  get isWhole(): boolean {
    return this.#isCounted && this.#tokens >= this.mixture.tokens;
  }

  at(index: number): number {
    return this.#sampled.at(index);
  }

  /** Waits for the next of each source; and for some more where it may be that the epoch is over. */
  async more(): Promise<void> {
    const { mixture, mixture: { examples } } = this;
    if (examples.arrived) {
      const next = this.cursors.map((cursor, source) => mixture.ahead(source, cursor, AT_A_TIME));
      await examples.arrived(next.flat());
      while (this.#tokens >= mixture.tokens && !this.#isCounted) {
        const { counted } = mixture;
        const end = Math.min(counted + AT_A_TIME, examples.length);
        await examples.arrived(Array.from({ length: end - counted }, (_, i) => counted + i));
        mixture.count(end);
      }
    }
    for (let i = 0; i < AT_A_TIME && this.#tokens < mixture.tokens; i++) {
      const source = this.#taken.indexOf(Math.min(...this.#taken));
      const example = mixture.at(source, this.cursors[source]!++);
      const tokens = mixture.supervised(example);
      if (tokens === 0) continue; // left out
      this.#sampled.push(example);
      this.#tokens += tokens;
      this.#taken[source]! += tokens / this.#weights[source]!;
    }
  }

  get #isCounted(): boolean {
    return this.mixture.counted === this.mixture.examples.length;
  }
}
