/**
 * How likely the answers of preferences are, under the model that is trained and where it is wanted
 * under its base.
 *
 * @module
 */
import { type Batch, countSupervised, type Example, sidesOf } from "../../data/mod.ts";
import { type Queued, queueDocuments } from "../../eval/documents.ts";
import { type Arrival, Ring } from "../../gpu/ring.ts";
import type { LossProgram } from "../../models/loss_program.ts";
import { KL_STATS } from "../../ops/mod.ts";
import type { Answer, Preference } from "./preference.ts";
import { heed } from "../../stop.ts";

/** Where linearKl()'s numbers of a row have the label's nats under base and tuned model. */
const [REFERENCE, TUNED] = [1, 2];

/**
 * Measures preferences: with a program of the loss `kl`, one replay for both models, or of the loss
 * `nll` for the tuned model alone.
 */
export class Likelihoods {
  readonly #ring: Ring<number>;

  /** @param slots replays that may be under way at a time. */
  constructor(
    readonly program: LossProgram,
    private readonly hasReference: boolean,
    slots: number,
  ) {
    const { compiled, capacity } = program;
    this.#ring = new Ring(compiled.engine.device, capacity * this.#numbers, { slots });
  }

  get #output(): "stats" | "losses" {
    return this.hasReference ? "stats" : "losses";
  }

  /** How many there are of a supervised token. */
  get #numbers(): number {
    return this.hasReference ? KL_STATS : 1;
  }

  /** The preferences of each micro-batch, in the order of its documents. A sync point. */
  async of(batches: readonly Batch[]): Promise<Preference[][]> {
    const { program } = this;
    const stats = program.compiled.output(this.#output);
    const found: Preference[][] = [];
    const take = (arrivals: readonly Arrival<number>[]) => {
      for (const { tag, values } of arrivals) {
        found[tag] = this.#preferencesIn(batches[tag]!, values);
      }
    };
    for (const [i, batch] of batches.entries()) {
      heed();
      await this.#ring.freeSlot();
      program.feed(batch);
      program.run((encoder) => this.#ring.load(encoder, [stats]));
      this.#ring.send(i);
      take(this.#ring.arrived());
    }
    take(await this.#ring.drain());
    return found;
  }

  /** Submits a measurement of examples as the model is now. */
  async queue(examples: readonly Example[]): Promise<Queued<Preference[]>> {
    const { result } = await queueDocuments(this.program, examples, this.#output);
    return {
      result: result.then((found) =>
        found.map((values, i) => {
          const split = countSupervised(sidesOf(examples[i]!)[0]!);
          return {
            chosen: this.#answerOf(values, 0, split),
            rejected: this.#answerOf(values, split, values.length / this.#numbers),
          };
        })
      ),
    };
  }

  close(): void {
    this.#ring.destroy();
    this.program.compiled.destroy();
  }
  /** What a replay leaves of a micro-batch, in which a rejected answer follows its chosen one. */
  #preferencesIn({ documents }: Batch, values: Float32Array): Preference[] {
    const answers = documents.map(({ rowBegin, rowEnd }) =>
      this.#answerOf(values, rowBegin, rowEnd)
    );
    return Array.from({ length: answers.length / 2 }, (_, i) => ({
      chosen: answers[2 * i]!,
      rejected: answers[2 * i + 1]!,
    }));
  }

  /** An answer from its rows of numbers, `values` [rows, numbers]. */
  #answerOf(values: Float32Array, from: number, to: number): Answer {
    let [tuned, reference] = [0, 0];
    for (let row = from; row < to; row++) {
      tuned -= values[this.hasReference ? row * KL_STATS + TUNED! : row]!;
      if (this.hasReference) reference -= values[row * KL_STATS + REFERENCE!]!;
    }
    return { tuned, reference, tokens: to - from };
  }
}
