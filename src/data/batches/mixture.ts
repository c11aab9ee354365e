/**
 * Sources mixed by weight: each makes up its share of the supervised tokens, however long its
 * examples are and however many it has.
 *
 * @module
 */

import { permutation } from "../../random.ts";
import { countSupervised, type Examples, lengthOf } from "../example.ts";

/** Examples that are sampled or counted before others are waited for. */
export const AT_A_TIME = 256;

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

/** Keeps the order within sources apart from that of epochs. */
const MIXTURE = 0xfffffffe;

/** Sources and their shares. What is sampled of them is a function of the seed and the cursors. */
export class Mixture {
  /** Source by source. */
  readonly examples: Examples;
  readonly #sources: readonly (Source & { readonly first: number })[];
  /** Of those that were looked at; 0 of the others. */
  readonly #supervised: Uint32Array;
  readonly #seed: number;
  readonly #shuffle: boolean;
  readonly #orders: { cycle: number; order: Uint32Array }[] = [];
  #counted = 0;
  #tokens = 0;

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
    this.examples = examples;
    this.#supervised = new Uint32Array(examples.length);
    this.#seed = seed;
    this.#shuffle = shuffle;
    if (!examples.arrived) this.count(examples.length);
  }

  /** Where the first epoch begins. */
  get start(): number[] {
    return this.#sources.map(() => 0);
  }

  /** The weight of each source. */
  get weights(): number[] {
    return this.#sources.map(({ weight }) => weight);
  }

  /** How many examples were counted: the first of all sources. */
  get counted(): number {
    return this.#counted;
  }

  /** The supervised tokens of those. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Counts examples up to one that has arrived. */
  count(end: number): void {
    for (; this.#counted < end; this.#counted++) this.#tokens += this.supervised(this.#counted);
  }

  /**
   * The supervised tokens of an example, at least 1 so that none can be sampled for ever; 0 where it was
   * left out.
   */
  supervised(example: number): number {
    const found = this.#supervised[example]!;
    if (found > 0) return found;
    const { examples } = this;
    const chosen = examples.at(example)!;
    if (lengthOf(chosen) === 0) return 0;
    return this.#supervised[example] = Math.max(1, countSupervised(chosen));
  }

  /** All examples, in about the order in which they are sampled first. */
  foreseen(): Uint32Array {
    const order = new Uint32Array(this.examples.length);
    const most = Math.max(...this.weights);
    const next = this.start.slice();
    for (let filled = 0; filled < order.length;) {
      for (const [source, { count, weight }] of this.#sources.entries()) {
        const end = Math.min(count, next[source]! + Math.ceil(AT_A_TIME * weight / most));
        while (next[source]! < end) order[filled++] = this.at(source, next[source]!++);
      }
    }
    return order;
  }

  /** The examples of a source from a cursor to the end of its cycle, at most so many. */
  ahead(source: number, cursor: number, most: number): number[] {
    const { count } = this.#sources[source]!;
    const length = Math.min(most, count - cursor % count);
    return Array.from({ length }, (_, i) => this.at(source, cursor + i));
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
        if (first <= example && example < first + count) tokens += this.supervised(example);
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

  /** The example at a cursor of a source: each cycle has all of them, in another order. */
  at(source: number, cursor: number): number {
    const { first, count } = this.#sources[source]!;
    if (!this.#shuffle) return first + cursor % count;
    const cycle = Math.floor(cursor / count);
    if (this.#orders[source]?.cycle !== cycle) {
      const order = permutation(count, this.#seed, MIXTURE, source, cycle);
      this.#orders[source] = { cycle, order };
    }
    return first + this.#orders[source]!.order[cursor % count]!;
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
