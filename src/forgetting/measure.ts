/**
 * The meter: how far the tuned model has moved from its base on held-back documents.
 *
 * @module
 */
import { type Queued, queueDocuments } from "../eval/documents.ts";
import type { LossProgram } from "../models/loss_program.ts";
import { KL_STATS } from "../ops/mod.ts";
import type { Metric } from "./budget.ts";
import { type Counted, counted, type Rise, riseOf } from "./rises.ts";
import type { HeldPart } from "./text/parts.ts";
import type { Blocks, Domain } from "./text/retention.ts";

/** The programs that measure, over the same weights and params. */
export interface MeterPrograms {
  /** Likelihoods of the tuned model. */
  readonly tuned: LossProgram;
  /** Both models side by side, with `stats`. */
  readonly both: LossProgram;
}

/** How far the tuned model has moved on the documents of one domain, in nats a token. */
export interface Shift extends Counted {
  readonly documents: readonly Rise[];
  /** Nats a token of the tuned model, weighted by token. */
  readonly nll: number;
}

/** One part of a domain, and what the base needs for it. */
interface Part {
  readonly documents: readonly Blocks[];
  readonly metric: Metric;
  /** The base's nats of each block. */
  readonly base: readonly Float32Array[];
}

/**
 * Measures one part of each domain again and again. A document's rise is what the tuned model needs
 * for its tokens beyond the base, or the divergence, by the metric of the domain's budget; a domain's
 * is the ratio of all nats to all tokens, where what some positions have gained does not pay for what
 * others have lost. Documents are the unit of chance: they are drawn independently, tokens are not.
 */
export class ForgettingMeter {
  private constructor(
    private readonly programs: MeterPrograms,
    private readonly parts: readonly Part[],
  ) {}

  /** Measures the base once. A sync point. */
  static async open<P extends HeldPart>(
    programs: MeterPrograms,
    domains: readonly Pick<Domain, "budget" | P>[],
    part: P,
  ): Promise<ForgettingMeter> {
    const parts: Part[] = [];
    for (const { [part]: documents, budget: { metric } } of domains) {
      const found = await (await queueDocuments(programs.both, documents.flat(), "stats")).result;
      parts.push({ documents, metric, base: found.map((stats) => column(stats, 1)) });
    }
    return new ForgettingMeter(programs, parts);
  }

  /** Nats a token of the base on each domain, weighted by token. */
  get baseNll(): number[] {
    return this.parts.map(({ base }) => tokenMean(base));
  }

  /** Measures the tuned model as it is now, without waiting. */
  async queue(): Promise<Queued<Shift[]>> {
    const queued: Queued<Shift>[] = [];
    for (const part of this.parts) {
      queued.push(
        part.metric === "kl" ? await this.#queueDivergence(part) : await this.#queueRise(part),
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

  async #queueRise({ documents, base }: Part) {
    const { result } = await queueDocuments(this.programs.tuned, documents.flat());
    return {
      result: result.then((nats) => {
        const rises = nats.map((of, block) => of.map((tuned, i) => tuned - base[block]![i]!));
        return shiftOf(documents, rises, nats);
      }),
    };
  }

  async #queueDivergence({ documents }: Part) {
    const { result } = await queueDocuments(this.programs.both, documents.flat(), "stats");
    return {
      result: result.then((all) =>
        shiftOf(
          documents,
          all.map((stats) => column(stats, 0)),
          all.map((stats) => column(stats, 2)),
        )
      ),
    };
  }
}

/** What blocks came to, put together by document. */
export function shiftOf(
  documents: readonly Blocks[],
  rises: readonly Float32Array[],
  nats: readonly Float32Array[],
): Shift {
  let block = 0;
  const whole = documents.map((blocks) => riseOf(blocks.flatMap(() => [...rises[block++]!])));
  return { ...counted(whole), documents: whole, nll: tokenMean(nats) };
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
