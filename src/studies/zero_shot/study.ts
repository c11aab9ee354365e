/**
 * Zero-shot: does a model that was tuned on many tasks do better on tasks that it has never seen?
 * (FLAN, Wei et al. 2021, 2109.01652; T0, Sanh et al. 2021, 2110.08207.)
 *
 * @module
 */
import { permutation } from "../../random.ts";
import type { Cell, Place, Study } from "../engine/study.ts";
import { askedEntry, chosenEntry, firstPrompts } from "../trials/rows.ts";
import { askedMetrics } from "../trials/spec.ts";
import { trialCell, type Tried, type Values } from "../trials/trial.ts";
import { concludeZeroShot } from "./conclude.ts";
import { allName, BASE, heldName, variations, type Vary } from "./cells.ts";
import { type Split, splitsOf, zeroShotSchema, type ZeroShotSpec } from "./spec.ts";

/** The study. */
export const zeroShot: Study<ZeroShotSpec, Tried> = {
  name: "zero-shot",
  summary: "clusters of tasks held out in turn: does tuning on the others help?",
  schema: zeroShotSchema,
  async plan(spec, place) {
    const planner = new Planner(spec, place);
    const splits = splitsOf(spec);
    const names = Object.keys(spec.tasks);
    const cells: Cell<Tried>[] = [await planner.cell(BASE, null, names, 0)];
    for (const seed of spec.seeds) {
      cells.push(await planner.cell(allName(seed), names, names, seed));
      for (const split of splits) {
        for (const vary of [{}, ...variations(spec)]) {
          const trained = firstTasks(split, vary, seed);
          cells.push(
            await planner.cell(heldName(split, seed, vary), trained, split.held, seed, vary),
          );
        }
      }
    }
    return cells;
  },
  conclude: (spec, results) => Promise.resolve(concludeZeroShot(spec, results)),
};

/** Some of the tasks, in an order of the seed. */
function firstTasks({ trained }: Split, { tasks: count }: Vary, seed: number): string[] {
  const order = permutation(trained.length, seed);
  return Array.from(order.subarray(0, count), (i) => trained[i]!);
}

class Planner {
  constructor(private readonly spec: ZeroShotSpec, private readonly place: Place) {}

  /** @param trained null asks the base. */
  async cell(
    name: string,
    trained: readonly string[] | null,
    asked: readonly string[],
    seed: number,
    vary: Vary = {},
  ): Promise<Cell<Tried>> {
    const data = trained && await Promise.all(trained.map((task) => this.#data(task, seed, vary)));
    const tasks = await Promise.all(asked.map((task) => this.#test(task)));
    return trialCell({ name, run: this.spec.run, data, seed, tasks }, this.place);
  }

  async #data(name: string, seed: number, { prompts, rows }: Vary): Promise<Values> {
    const { train, where } = this.spec.tasks[name]!;
    const worded = prompts === undefined
      ? train
      : { ...train, prompts: firstPrompts(train["prompts"], prompts, this.place) };
    return await chosenEntry(worded, { where, count: rows ?? this.spec.rows, seed }, this.place);
  }

  #test(name: string): Promise<Values> {
    const { test, where } = this.spec.tasks[name]!;
    return askedEntry({ ...askedMetrics(this.spec.metrics), ...test, name }, { where }, this.place);
  }
}
