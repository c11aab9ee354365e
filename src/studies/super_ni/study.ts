/**
 * Super-NaturalInstructions: does a model that was tuned on tasks by their definitions do others by
 * theirs? (Wang et al. 2022, 2204.07705.)
 *
 * @module
 */
import type { Cell, Study } from "../engine/study.ts";
import { askedMetrics } from "../trials/spec.ts";
import { trialCell, type Tried } from "../trials/trial.ts";
import { concludeSuperNi } from "./conclude.ts";
import {
  baseName,
  filesOf,
  sampledTask,
  superNiSchema,
  type SuperNiSpec,
  tunedName,
} from "./spec.ts";

/** The study. */
export const superNi: Study<SuperNiSpec, Tried> = {
  name: "super-ni",
  summary:
    "unseen tasks of Super-NaturalInstructions by their definitions, without and with examples",
  schema: superNiSchema,
  plan(spec, place) {
    const { train, test } = filesOf(spec, place);
    const { run, instances, max_tokens } = spec;
    const cells: Cell<Tried>[] = [];
    for (const shots of spec.examples) {
      const tasks = test.map(({ path, name }) => ({
        ...askedMetrics(spec.metrics),
        ...{ path, name, shots, max_tokens, max_rows: instances.test },
      }));
      cells.push(trialCell({ name: baseName(shots), run, data: null, seed: 0, tasks }, place));
      for (const seed of spec.seeds) {
        const sample = { count: instances.train, seed };
        const data = train.map((task) => ({
          path: sampledTask(task, sample, place),
          positive_examples: shots,
        }));
        cells.push(trialCell({ name: tunedName(shots, seed), run, data, seed, tasks }, place));
      }
    }
    return Promise.resolve(cells);
  },
  conclude: (spec, results, place) =>
    Promise.resolve(concludeSuperNi(spec, results, filesOf(spec, place).test)),
};
