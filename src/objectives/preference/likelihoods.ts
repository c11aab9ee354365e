/**
 * How likely the answers of preferences are, under the model that is trained and under its base.
 *
 * @module
 */
import { type Batch, countSupervised, type Example, sidesOf } from "../../data/mod.ts";
import { type Queued, queueDocuments } from "../../eval/documents.ts";
import { type Arrival, Ring } from "../../gpu/buffer.ts";
import type { LossProgram } from "../../models/loss_program.ts";
import { KL_STATS } from "../../ops/mod.ts";
import type { Answer, Preference } from "./preference.ts";

/** Where linearKl()'s numbers of a row have the label's nats under base and tuned model. */
const [REFERENCE, TUNED] = [1, 2];

/** Measures preferences with a program of the loss `kl`, one replay for both models. */
export class Likelihoods {
  readonly #ring: Ring<number>;

  /** @param slots replays that may be under way at a time. */
  constructor(readonly program: LossProgram, slots: number) {
    const { compiled, capacity } = program;
    this.#ring = new Ring(compiled.engine.device, capacity * KL_STATS, slots);
  }

  /** The preferences of each micro-batch, in the order of its documents. A sync point. */
  async of(batches: readonly Batch[]): Promise<Preference[][]> {
    const { program } = this;
    const stats = program.compiled.output("stats");
    const found: Preference[][] = [];
    const take = (arrivals: readonly Arrival<number>[]) => {
      for (const { tag, values } of arrivals) found[tag] = preferencesIn(batches[tag]!, values);
    };
    for (const [i, batch] of batches.entries()) {
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
    const { result } = await queueDocuments(this.program, examples, "stats");
    return {
      result: result.then((stats) =>
        stats.map((values, i) => {
          const split = countSupervised(sidesOf(examples[i]!)[0]!);
          return {
            chosen: answerOf(values, 0, split),
            rejected: answerOf(values, split, values.length / KL_STATS),
          };
        })
      ),
    };
  }

  close(): void {
    this.#ring.destroy();
    this.program.compiled.destroy();
  }
}

/** What a replay leaves of a micro-batch, in which a rejected answer follows its chosen one. */
function preferencesIn({ documents }: Batch, stats: Float32Array): Preference[] {
  const answers = documents.map(({ rowBegin, rowEnd }) => answerOf(stats, rowBegin, rowEnd));
  return Array.from({ length: answers.length / 2 }, (_, i) => ({
    chosen: answers[2 * i]!,
    rejected: answers[2 * i + 1]!,
  }));
}

/** An answer from its rows of numbers, `stats` [rows, KL_STATS]. */
function answerOf(stats: Float32Array, from: number, to: number): Answer {
  let [tuned, reference] = [0, 0];
  for (let row = from; row < to; row++) {
    tuned -= stats[row * KL_STATS + TUNED!]!;
    reference -= stats[row * KL_STATS + REFERENCE!]!;
  }
  return { tuned, reference, tokens: to - from };
}
