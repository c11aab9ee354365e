/**
 * Retention rows: which retention documents an update trains on, and what their tokens count.
 *
 * @module
 */
import { type Batch, Stream } from "../../data/mod.ts";
import type { LossProgram } from "../../models/loss_program.ts";
import type { Replay } from "../../objectives/objective.ts";
import { rowsReplay } from "../../objectives/rows_replay.ts";
import type { RetentionTerm } from "../control/parts.ts";
import type { Domain } from "./retention.ts";

/** One micro-batch of retention rows. */
export interface RetentionMicro {
  readonly batch: Batch;
  /** What each supervised token counts. */
  readonly weights: Float32Array; // [supervised]
}

/** The retention rows of one update. */
export interface RetentionUpdate {
  readonly micros: readonly RetentionMicro[];
  /** What the mean loss of each domain's rows counts beside the mean task loss. */
  readonly lambdas: readonly number[];
}

export interface RetentionRowsOptions {
  /** Rows of a micro-batch. */
  readonly T: number;
  /** Micro-batches of an update. */
  readonly micros: number;
  readonly seed: number;
}

/** Draws retention documents, every domain as many tokens as the others. */
export class RetentionRows {
  readonly #stream: Stream;
  readonly #micros: number;
  readonly #domains: number;
  /** The domain of each example. */
  readonly #domainOf: readonly number[];

  constructor(domains: readonly Domain[], { T, micros, seed }: RetentionRowsOptions) {
    const examples = domains.flatMap(({ train }) => train.flat());
    const sources = domains.map(({ train }) => ({ count: train.flat().length, weight: 1 }));
    const mixed = domains.length > 1 && { sources };
    this.#stream = new Stream(examples, { T, seed, shuffle: true, ...mixed });
    this.#micros = micros;
    this.#domains = domains.length;
    this.#domainOf = domains.flatMap(({ train }, i) => train.flat().map(() => i));
  }

  /**
   * The rows of an update. The tokens of a domain are normalised to a mean of their own, then times
   * its lambda, so that neither packing nor the task's length changes what a lambda means.
   *
   * @param lambdasOf the lambda of each domain, from its supervised tokens.
   */
  async update(
    step: number,
    lambdasOf: (tokens: readonly number[]) => readonly number[],
  ): Promise<RetentionUpdate> {
    const batches: Batch[] = [];
    for (let index = step * this.#micros; index < (step + 1) * this.#micros; index++) {
      batches.push(await this.#stream.micro(index));
    }
    const tokens = Array<number>(this.#domains).fill(0);
    for (const { documents } of batches) {
      for (const { example, rowBegin, rowEnd } of documents) {
        tokens[this.#domainOf[example]!]! += rowEnd - rowBegin;
      }
    }
    const lambdas = lambdasOf(tokens);
    const micros = batches.map((batch) => {
      const weights = new Float32Array(batch.supervised);
      for (const { example, rowBegin, rowEnd } of batch.documents) {
        const domain = this.#domainOf[example]!;
        weights.fill(lambdas[domain]! / tokens[domain]!, rowBegin, rowEnd);
      }
      return { batch, weights };
    });
    return { micros, lambdas };
  }

  /** Adds the losses of a micro-batch's rows to the sums of their domains. */
  addLosses({ documents }: Batch, losses: Float32Array, sums: number[]): void {
    for (const { example, rowBegin, rowEnd } of documents) {
      const domain = this.#domainOf[example]!;
      for (let row = rowBegin; row < rowEnd; row++) sums[domain]! += losses[row]!;
    }
  }
}

/** The loss of retention rows, replayed by a program. */
export class RowsTerm implements RetentionTerm {
  readonly #planned = new Map<number, readonly RetentionMicro[]>();

  constructor(
    private readonly program: LossProgram,
    private readonly rows: RetentionRows,
    private readonly domains: number,
  ) {}

  get capacity(): number {
    return this.program.capacity;
  }

  async plan(step: number, lambdasOf: Parameters<RetentionTerm["plan"]>[1]) {
    const { micros, lambdas } = await this.rows.update(step, lambdasOf);
    this.#planned.set(step, micros);
    const replays = micros.map(({ batch, weights }): Replay =>
      rowsReplay(this.program, batch, weights)
    );
    return { replays, lambdas };
  }

  sums(step: number, losses: readonly Float32Array[]): number[] {
    const sums = Array<number>(this.domains).fill(0);
    for (const [i, { batch }] of this.#planned.get(step)!.entries()) {
      this.rows.addLosses(batch, losses[i]!, sums);
    }
    this.#planned.delete(step);
    return sums;
  }

  close(): void {
    this.program.compiled.destroy();
  }
}
