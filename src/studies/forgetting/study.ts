/**
 * Forgetting: the guard against other ways to forget less, at several budgets.
 *
 * @module
 */
import type { Findings, Study, Table } from "../engine/study.ts";
import { type Score, scoresOf } from "./cell.ts";
import { drawnTables } from "./resampled_table.ts";
import { picture } from "./picture.ts";
import { type Experiment, experimentOf, forgettingSchema, type ForgettingSpec } from "./spec.ts";
import { claims, table } from "./table.ts";

/** The study. */
export const forgetting: Study<ForgettingSpec, readonly Score[]> = {
  name: "forgetting",
  summary: "the guard and other ways to forget less, scaled and certified at several budgets",
  schema: forgettingSchema,
  async plan(spec, place) {
    const experiment = await experimentOf(spec, place);
    return trainings(experiment).map((training) => ({
      name: training.name,
      run: (context) => scoresOf(training, experiment.test, context),
    }));
  },
  async conclude(spec, results, place) {
    return findings([...results.values()].flat(), await experimentOf(spec, place));
  },
};

/** Seeds outermost, so that a part of the study is whole early. */
function trainings({ arms, budgets, seeds, config }: Experiment) {
  // An arm that does not control keeps the checkpoints around the middle budget.
  const middle = budgets[Math.floor(budgets.length / 2)]!;
  return seeds.flatMap((seed) =>
    arms.flatMap((arm) => {
      const name = `seed ${seed} ${arm.name.replace(/[^\w -]+/g, "").trim()}`;
      const training = { arm: arm.name, seed };
      if (!arm.isControlled) {
        return [{ ...training, name, budgets, parsed: config(arm, seed, middle, name) }];
      }
      return budgets.map((budget) => {
        const own = `${name} within ${budget}`;
        return {
          ...training,
          name: own,
          budgets: [budget],
          parsed: config(arm, seed, budget, own),
        };
      });
    })
  );
}

function findings(scores: readonly Score[], experiment: Experiment): Findings {
  const judged = claims(scores, experiment);
  const claimed: Table = {
    title: "Claims",
    head: ["claim", "met", "found"],
    rows: judged.map(({ name, holds, found }) => [name, holds ? "yes" : "NO", found]),
  };
  return {
    tables: [table(scores, experiment), claimed, ...drawnTables(scores, experiment)],
    pictures: [picture(scores, experiment)],
    numbers: { scores, claims: judged.map((claim) => ({ ...claim })) },
  };
}
