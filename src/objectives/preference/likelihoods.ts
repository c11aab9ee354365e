/**
 * How likely the answers of documents are, under the model that is trained and where it is wanted
 * under a reference.
 *
 * @module
 */
import { type Batch, countSupervised, type Example, sidesOf } from "../../data/mod.ts";
import { ConfigError } from "../../errors.ts";
import { type Queued, queueDocuments } from "../../eval/documents.ts";
import { queueReplays } from "../../eval/replays.ts";
import type { LossProgram } from "../../models/loss_program.ts";
import type { Planned } from "../../graph/planned.ts";
import { DRAW, KL_STATS } from "../../ops/mod.ts";
import type { Answer } from "./preference.ts";
import type { Reference } from "./reference.ts";
import type { TaskRows } from "../task_rows.ts";

/** Where linearKl()'s numbers of a row have the label's nats under base and tuned model. */
const [REFERENCE, TUNED] = [1, 2];

/** What is known of the reference: the base beside the model, measured before, or nothing. */
export type FromBase = "measured" | Reference | "none";

/**
 * Measures answers: with a program of the loss `kl`, one replay for both models, or of the loss
 * `nll` for the tuned model alone.
 */
export class Likelihoods {
  private constructor(
    readonly program: LossProgram,
    private readonly fromBase: FromBase,
    private readonly rows: Pick<TaskRows, "at">,
  ) {}

  static async open(
    program: Planned<LossProgram>,
    fromBase: FromBase,
    rows: Pick<TaskRows, "at">,
  ): Promise<Likelihoods> {
    return new Likelihoods(await program.open(), fromBase, rows);
  }

  /** Whether a replay measures both models. */
  get #measuresBoth(): boolean {
    return this.fromBase === "measured";
  }

  get #output(): "stats" | "losses" {
    return this.#measuresBoth ? "stats" : "losses";
  }

  /** How many there are of a supervised token. */
  get #numbers(): number {
    return this.#measuresBoth ? KL_STATS : 1;
  }

  /** The answers of each micro-batch, in the order of its documents. A sync point. */
  async of(batches: readonly Batch[]): Promise<Answer[][]> {
    const { result } = await queueReplays(this.program, batches, {
      slice: this.program.compiled.output(this.#output),
      count: ({ supervised }) => supervised * this.#numbers,
    });
    return (await result).map((values, of) => {
      const sides = this.#sidesIn(batches[of]!);
      return batches[of]!.documents.map(({ rowBegin, rowEnd }, i) =>
        this.#answerOf(values, rowBegin, rowEnd, sides[i]!)
      );
    });
  }

  /** Submits a measurement of the answers of all examples, in their order, as the model is now. */
  async queue(examples: readonly Example[]): Promise<Queued<Answer[]>> {
    const { result } = await queueDocuments(this.program, examples, this.#output);
    return {
      result: result.then((found) =>
        found.flatMap((values, i) => {
          let row = 0;
          return sidesOf(examples[i]!).map((side) =>
            this.#answerOf(values, row, row += countSupervised(side), side)
          );
        })
      ),
    };
  }

  close(): void {
    this.program.compiled.destroy();
  }

  /** The documents of a micro-batch as examples. */
  #sidesIn({ documents }: Batch): Example[] {
    return documents.filter(({ isNext }) => !isNext)
      .flatMap(({ example }) => sidesOf(this.rows.at(example)));
  }

  /** An answer from its rows of numbers, `values` [rows, numbers]. */
  #answerOf(values: Float32Array, from: number, to: number, side: Example): Answer {
    const { fromBase } = this;
    const isMeasured = fromBase === "measured";
    let tuned = 0;
    let reference = isMeasured || fromBase === "none" ? 0 : fromBase.of(side);
    for (let row = from; row < to; row++) {
      tuned -= values[isMeasured ? row * KL_STATS + TUNED! : row]!;
      if (isMeasured) reference -= values[row * KL_STATS + REFERENCE!]!;
    }
    return { tuned, reference, tokens: to - from };
  }
}

/** Likelihoods that were drawn with other units left out than the gradient are none of its. */
export function refuseDropout(kind: string, { graph }: Planned<LossProgram>): void {
  if (!graph.values.some(({ name }) => name === DRAW)) return;
  const wanted = `wanted none: ${kind} compares likelihoods under the whole adapter`;
  throw new ConfigError(`adapter.dropout: found one beside objective.kind ${kind}, ${wanted}`);
}
