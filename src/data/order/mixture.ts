/**
 * Sources mixed by weight: each makes up its share of the supervised tokens, however long its
 * examples are and however many it has.
 *
 * @module
 */

import { permutation } from "../../random.ts";
import { countSupervised } from "../encode/encode.ts";
import type { Examples } from "../example.ts";
import { Numbers } from "./numbers.ts";

/** One source of a mixture: the next `count` examples, and what they weigh beside the others. */
export interface Source {
  readonly count: number;
  /** Above 0; only the ratio to the others counts. */
  readonly weight: number;
}

/** Shares in proportion to the numbers of examples, as T5 and FLAN mix their tasks. */
export interface ProportionalSettings {
  /** A source of more examples counts as so many; no limit where absent. */
  readonly maximum?: number;
  /** Above 1, shares come nearer to one another; 1 where absent. */
  readonly temperature?: number;
}

/**
 * The shares of sources of so many examples: min(n, maximum)^(1 / temperature), normalised, as
 * `mixing_rate_num_examples` of google/seqio, seqio/utils.py (Raffel et al. 2020, 3.5.2).
 */
export function proportionalShares(
  counts: readonly number[],
  { maximum = Infinity, temperature = 1 }: ProportionalSettings,
): number[] {
  const rates = counts.map((count) => Math.min(count, maximum) ** (1 / temperature));
  const total = rates.reduce((sum, rate) => sum + rate, 0);
  return rates.map((rate) => rate / total);
}

/** How many examples of each source have been drawn, counted over all cycles through it. */
export type Places = readonly number[];

/** Keeps the order within sources apart from that of epochs */
const MIXTURE = 0xfffffffe;

/** Draws examples so that no source falls behind its share. A function of the seed and the places. */
export class Mixture {
  readonly #sources: readonly (Source & { readonly first: number })[];
  readonly #supervised: Uint32Array;
  readonly #seed: number;
  readonly #shuffle: boolean;
  readonly #orders: { cycle: number; order: Uint32Array }[] = [];

  /**
   * A mixture of examples that are given source by source.
   *
   * @throws {RangeError} if a source is empty, a weight is not positive, or the counts do not add up.
   */
  constructor(
    examples: Examples,
    sources: readonly Source[],
    { seed, shuffle }: { readonly seed: number; readonly shuffle: boolean },
  ) {
    let first = 0;
    this.#sources = sources.map((source) => {
      const placed = { ...source, first };
      first += source.count;
      return placed;
    });
    checkSources(sources, examples.length);
    // At least 1, so that a source without any cannot be drawn from for ever.
    this.#supervised = Uint32Array.from(
      { length: examples.length },
      (_, i) => Math.max(1, countSupervised(examples.at(i)!)),
    );
    this.#seed = seed;
    this.#shuffle = shuffle;
  }

  /** Where the first epoch begins. */
  get start(): Places {
    return this.#sources.map(() => 0);
  }

  /**
   * The examples of one epoch, which has as many supervised tokens as all sources hold, and where
   * that gets. Each time the source that is furthest behind its share gives its next example.
   */
  epoch(places: Places): { order: Uint32Array; places: Places } {
    const total = this.#supervised.reduce((sum, tokens) => sum + tokens, 0);
    const drawn = [...places];
    const taken = this.#sources.map(() => 0); // supervised tokens over the weight
    const order = new Numbers(Uint32Array);
    for (let tokens = 0; tokens < total;) {
      const source = taken.indexOf(Math.min(...taken));
      const example = this.#at(source, drawn[source]!++);
      order.push(example);
      tokens += this.#supervised[example]!;
      taken[source]! += this.#supervised[example]! / this.#sources[source]!.weight;
    }
    return { order: order.copy(), places: drawn };
  }

  /**
   * Reorders rows that were packed together so that any stretch of them is near the shares: from
   * those left, in the order given, the one next that brings the sum so far nearest.
   *
   * @param rows the examples of each row; those that are not of the mixture do not count.
   */
  balance(rows: readonly (readonly number[])[], order: Iterable<number>): number[] {
    const tokens = rows.map((row) => this.tokensBySource(row));
    let sums = this.#sources.map(() => 0);
    const left = [...order];
    return rows.map(() => {
      const after = left.map((row) => sums.map((sum, source) => sum + tokens[row]![source]!));
      const off = after.map((sums) => this.#imbalance(sums));
      const next = off.indexOf(Math.min(...off));
      sums = after[next]!;
      return left.splice(next, 1)[0]!;
    });
  }

  /** The supervised tokens that each source has among some examples; others do not count. */
  tokensBySource(examples: ArrayLike<number>): number[] {
    return this.#sources.map(({ first, count }) => {
      let tokens = 0;
      for (let i = 0; i < examples.length; i++) {
        const example = examples[i]!;
        if (first <= example && example < first + count) tokens += this.#supervised[example]!;
      }
      return tokens;
    });
  }

  /** How far supervised tokens are from the shares: the largest difference, in tokens. */
  #imbalance(tokens: readonly number[]): number {
    const total = tokens.reduce((sum, count) => sum + count, 0);
    const weight = this.#sources.reduce((sum, source) => sum + source.weight, 0);
    return Math.max(
      ...tokens.map((count, i) => Math.abs(count - total * this.#sources[i]!.weight / weight)),
    );
  }

  /** The example at a place of a source: each cycle has all of them, in another order. */
  #at(source: number, place: number): number {
    const { first, count } = this.#sources[source]!;
    if (!this.#shuffle) return first + place % count;
    const cycle = Math.floor(place / count);
    if (this.#orders[source]?.cycle !== cycle) {
      const order = permutation(count, this.#seed, MIXTURE, source, cycle);
      this.#orders[source] = { cycle, order };
    }
    return first + this.#orders[source]!.order[place % count]!;
  }
}

function checkSources(sources: readonly Source[], examples: number): void {
  const odd = sources.find(({ count, weight }) => !(count > 0 && weight > 0));
  if (odd !== undefined) {
    const found = `${odd.count} examples of weight ${odd.weight}`;
    throw new RangeError(`Found a source of ${found}, wanted both to be above 0`);
  }
  const count = sources.reduce((sum, source) => sum + source.count, 0);
  if (count === examples) return;
  throw new RangeError(`Found sources of ${count} examples, wanted the ${examples} that there are`);
}
