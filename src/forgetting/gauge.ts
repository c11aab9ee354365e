/**
 * The gauge: how far the tuned model has moved from its base on held-back documents.
 *
 * @module
 */
import type { Example } from "../data/mod.ts";
import { type Queued, queueDocuments } from "../eval/documents.ts";
import type { LossProgram } from "../models/loss_program.ts";
import { KL_STATS } from "../ops/mod.ts";
import type { Metric } from "./budget.ts";
import type { HeldPart, Slice } from "./text/retention.ts";
import { type Sample, summary } from "./statistics.ts";

/** The programs that measure, over the same weights and params. */
export interface GaugePrograms {
  /** Likelihoods of the tuned model. */
  readonly tuned: LossProgram;
  /** Both models side by side, with `stats`. */
  readonly both: LossProgram;
}

/** Shifts of the documents of one slice, in nats a token, and their mean over documents. */
export interface Shift extends Sample {
  readonly documents: readonly number[];
  /** Nats a token of the tuned model, weighted by token. */
  readonly nll: number;
}

/**
 * Measures one part of each slice again and again. A document's shift is the rise of its mean
 * negative log-likelihood, or its mean divergence, by the metric of the slice's budget; a slice's is
 * the mean over its documents, for documents are drawn independently and their tokens are not.
 */
export class Gauge {
  private constructor(
    private readonly programs: GaugePrograms,
    private readonly parts: readonly { examples: readonly Example[]; metric: Metric }[],
    /** The base's nats of each document of each slice. */
    private readonly base: readonly (readonly Float32Array[])[],
  ) {}

  /** Measures the base once. A sync point. */
  static async open(
    programs: GaugePrograms,
    slices: readonly Slice[],
    part: HeldPart,
  ): Promise<Gauge> {
    const parts = slices.map((slice) => ({
      examples: slice[part],
      metric: slice.budget.metric,
    }));
    const base: Float32Array[][] = [];
    for (const { examples } of parts) {
      const found = await (await queueDocuments(programs.both, examples, "stats")).result;
      base.push(found.map((stats) => column(stats, 1)));
    }
    return new Gauge(programs, parts, base);
  }

  /** Nats a token of the base on each slice, weighted by token. */
  get baseNll(): number[] {
    return this.base.map(tokenMean);
  }

  /** Documents of each slice. */
  get documents(): readonly (readonly Example[])[] {
    return this.parts.map(({ examples }) => examples);
  }

  /** Measures the tuned model as it is now, without waiting. */
  async queue(): Promise<Queued<Shift[]>> {
    const queued: Queued<Shift>[] = [];
    for (const [i, { examples, metric }] of this.parts.entries()) {
      const base = this.base[i]!;
      queued.push(
        metric === "kl"
          ? await this.#queueDivergence(examples)
          : await this.#queueRise(examples, base),
      );
    }
    const result = Promise.all(queued.map(({ result }) => result));
    result.catch(() => {}); // as in queueDocuments()
    return { result };
  }

  /** Measures the tuned model. A sync point. */
  async measure(): Promise<Shift[]> {
    return await (await this.queue()).result;
  }

  async #queueRise(examples: readonly Example[], base: readonly Float32Array[]) {
    const { result } = await queueDocuments(this.programs.tuned, examples);
    return {
      result: result.then((nats) => {
        const documents = nats.map((of, i) => mean(of) - mean(base[i]!));
        return { ...summary(documents), documents, nll: tokenMean(nats) };
      }),
    };
  }

  async #queueDivergence(examples: readonly Example[]) {
    const { result } = await queueDocuments(this.programs.both, examples, "stats");
    return {
      result: result.then((all) => {
        const documents = all.map((stats) => mean(column(stats, 0)));
        const nll = tokenMean(all.map((stats) => column(stats, 2)));
        return { ...summary(documents), documents, nll };
      }),
    };
  }
}

/** One of the numbers that are kept of each token. */
export function column(stats: Float32Array, index: number): Float32Array {
  return Float32Array.from(
    { length: stats.length / KL_STATS },
    (_, row) => stats[row * KL_STATS + index]!,
  );
}

const total = (numbers: Float32Array): number => numbers.reduce((sum, x) => sum + x, 0);

export const mean = (numbers: Float32Array): number => total(numbers) / numbers.length;

/** The mean over all tokens of several documents. */
export function tokenMean(documents: readonly Float32Array[]): number {
  const tokens = documents.reduce((sum, { length }) => sum + length, 0);
  return documents.reduce((sum, document) => sum + total(document), 0) / tokens;
}
