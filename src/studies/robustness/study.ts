/**
 * Robustness: does a model that was trained on more phrasings of its tasks depend less on how they are
 * phrased? (Webson and Pavlick 2022, 2109.01247; T0, Sanh et al. 2021, 2110.08207.)
 *
 * @module
 */
import type { Cell, Study } from "../engine/study.ts";
import { chosenEntry } from "../trials/rows.ts";
import { askedMetrics } from "../trials/spec.ts";
import { trialCell, type Tried } from "../trials/trial.ts";
import { concludeRobustness } from "./conclude.ts";
import {
  BASE,
  cellName,
  phrasingsOf,
  robustnessSchema,
  type RobustnessSpec,
  trainedPhrasings,
} from "./spec.ts";

/** The study. */
export const robustness: Study<RobustnessSpec, Tried> = {
  name: "robustness",
  summary: "tasks under ten phrasings and more, trained on 1, 3, 10: what does it depend on?",
  schema: robustnessSchema,
  async plan(spec, place) {
    const tasks = Object.entries(spec.tasks).map(([name, { test }]) => ({
      ...askedMetrics(spec.metrics),
      ...test,
      name,
      prompts: phrasingsOf(spec, name, place),
    }));
    const trial = { run: spec.run, tasks };
    const cells: Cell<Tried>[] = [
      trialCell({ ...trial, name: BASE, data: null, seed: 0 }, place),
    ];
    for (const seed of spec.seeds) {
      for (const count of spec.trained_on) {
        const data = await Promise.all(
          Object.entries(spec.tasks).map(([name, { train }]) => {
            const all = phrasingsOf(spec, name, place);
            const prompts = trainedPhrasings(all.length, count, seed).map((i) => all[i]);
            return chosenEntry({ ...train, prompts }, { count: spec.rows, seed }, place);
          }),
        );
        cells.push(trialCell({ ...trial, name: cellName(count, seed), data, seed }, place));
      }
    }
    return cells;
  },
  conclude: (spec, results, place) => {
    const counts = Object.fromEntries(
      Object.keys(spec.tasks).map((name) => [name, phrasingsOf(spec, name, place).length]),
    );
    return Promise.resolve(concludeRobustness(spec, results, counts));
  },
};
