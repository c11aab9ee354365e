/**
 * Which prompts an update draws answers to: a function of seed and update alone.
 *
 * @module
 */
import type { TrainRows, TrainSettings } from "../objectives/objective.ts";
import { permutation } from "../random.ts";

/** Keeps the order of prompts apart from that of other rows. */
const PROMPTS = 0xfffffffc;

/** The rows of one source, one after another. */
interface Source {
  readonly first: number;
  readonly count: number;
  readonly weight: number;
}

/** Rows without end: each source's come in an order of their own, all of them before one comes again. */
export class PromptOrder {
  readonly #sources: readonly Source[];
  readonly #orders: { cycle: number; order: ArrayLike<number> }[] = [];
  /** The source of each so far, and how many of it were before. */
  readonly #drawn: { readonly source: number; readonly before: number }[] = [];
  readonly #counts: number[];

  /** @param stream one of several orders of the same rows. */
  constructor(
    { examples, mixture: { sources } }: TrainRows,
    private readonly train: Pick<TrainSettings, "seed" | "shuffle">,
    private readonly stream: number,
  ) {
    let first = 0;
    this.#sources = (sources ?? [{ count: examples.length, weight: 1 }]).map((source) => {
      first += source.count;
      return { ...source, first: first - source.count };
    });
    this.#counts = this.#sources.map(() => 0);
  }

  /** The index of a row. */
  at(number: number): number {
    while (this.#drawn.length <= number) this.#draw();
    const { source, before } = this.#drawn[number]!;
    const { first, count } = this.#sources[source]!;
    return first + this.#order(source, Math.floor(before / count))[before % count]!;
  }

  /** The source that is furthest behind its share comes next. */
  #draw(): void {
    const all = this.#sources.reduce((sum, { weight }) => sum + weight, 0);
    const behind = this.#sources.map(({ weight }, source) =>
      (this.#drawn.length + 1) * weight / all - this.#counts[source]!
    );
    const source = behind.indexOf(Math.max(...behind));
    this.#drawn.push({ source, before: this.#counts[source]!++ });
  }

  #order(source: number, cycle: number): ArrayLike<number> {
    const known = this.#orders[source];
    if (known?.cycle === cycle) return known.order;
    const { count } = this.#sources[source]!;
    const { seed, shuffle } = this.train;
    const order = shuffle
      ? permutation(count, seed, PROMPTS, this.stream, source, cycle)
      : Array.from({ length: count }, (_, i) => i);
    this.#orders[source] = { cycle, order };
    return order;
  }
}

/** The prompts of updates: those of the first draw, and those that are drawn in place of some. */
export class PromptSampler {
  readonly #first: PromptOrder;
  readonly #again: PromptOrder;

  /** @param sizes prompts of a draw, and how often others are drawn. */
  constructor(
    rows: TrainRows,
    train: Pick<TrainSettings, "seed" | "shuffle">,
    private readonly sizes: { readonly prompts: number; readonly resample: number },
  ) {
    this.#first = new PromptOrder(rows, train, 0);
    this.#again = new PromptOrder(rows, train, 1);
  }

  /** Indices of rows; `round` counts the draws for the same update from 0. */
  of(rollout: number, round: number): number[] {
    const { prompts, resample } = this.sizes;
    const from = (round === 0 ? rollout : rollout * resample + round - 1) * prompts;
    const order = round === 0 ? this.#first : this.#again;
    return Array.from({ length: prompts }, (_, i) => order.at(from + i));
  }
}
