/**
 * Rows of the task as the objectives of a run take them.
 *
 * @module
 */
import { answersOf, type Batch, type Example, fitsAnswers, lengthOf, Stream } from "../data/mod.ts";
import type { Queued } from "../eval/documents.ts";
import { permutation } from "../random.ts";
import type { MainMethod, RunContext, TaskSample, TrainSettings } from "./objective.ts";

/** Micro-batches of an update. */
export const microBatches = (
  { tokens_per_batch: all, micro_batch_tokens: T }: TrainSettings,
): number => all / T;

/** The rows of a run, in the order in which it trains on them. */
export class TaskRows {
  /** Micro-batches of an update. */
  readonly count: number;
  readonly #stream: Stream;
  /** Whether an epoch does not fill an update: then each is one. */
  #updateIsEpoch = false;

  constructor(
    { train, rows: { examples, mixture } }: RunContext,
    private readonly answers: MainMethod["answers"],
  ) {
    const { micro_batch_tokens: T, seed, shuffle } = train;
    this.#stream = new Stream(examples, { T, seed, shuffle, ...mixture });
    this.count = microBatches(train);
  }

  /**
   * The micro-batches of an update.
   *
   * @throws {RangeError} where a program gave examples of another number of answers.
   */
  async batches(step: number): Promise<Batch[]> {
    const batches: Batch[] = [];
    const [from, to] = await this.#microsOf(step);
    for (let index = from; index < to; index++) {
      const batch = await this.#stream.micro(index);
      this.#check(batch);
      batches.push(batch);
    }
    return batches;
  }

  /** A row of the run. */
  at(example: number): Example {
    return this.#stream.examples.at(example)!;
  }

  #check({ documents }: Batch): void {
    const odd = documents.find(({ example }) =>
      !fitsAnswers(answersOf(this.at(example)), this.answers)
    );
    if (!odd) return;
    const wanted = this.answers === "labelled" ? "a labelled answer" : `${this.answers} answers`;
    throw new RangeError(`Found example ${odd.example}, wanted ${wanted}`);
  }

  /** The first micro-batch of an update, and the first after it. */
  async #microsOf(step: number): Promise<[number, number]> {
    if (!this.#updateIsEpoch) return [step * this.count, (step + 1) * this.count];
    return [await this.#stream.micros(step), await this.#stream.micros(step + 1)];
  }

  /**
   * Updates that so many epochs fill. An epoch of fewer micro-batches than an update is one of its
   * own, as in transformers.
   */
  async updates(epochs: number): Promise<number> {
    this.#updateIsEpoch = await this.#stream.micros(1) < this.count;
    if (this.#updateIsEpoch) return Math.ceil(epochs);
    const whole = Math.floor(epochs);
    const next = await this.#stream.micros(whole + 1);
    const before = await this.#stream.micros(whole);
    const micros = before + (epochs - whole) * (next - before);
    return Math.max(1, Math.ceil(micros / this.count));
  }
}

/** Rows of `eval.data` drawn by seed; where there are none, training rows stand in for them. */
export async function taskSample(
  { measured, rows: { examples }, train: { seed } }: RunContext,
  count: number,
  unit: string,
  queue: (rows: readonly Example[]) => Promise<Queued<number>>,
): Promise<TaskSample> {
  const all = measured.length > 0 ? measured : examples;
  const order = permutation(all.length, seed).slice(0, count);
  if (measured.length === 0) await examples.arrived?.(order);
  const rows = Array.from(order, (i) => all.at(i)!).filter((row) => lengthOf(row) > 0);
  return {
    rows,
    from: measured.length > 0 ? "eval.data" : "training rows",
    unit,
    queue: () => queue(rows),
  };
}
