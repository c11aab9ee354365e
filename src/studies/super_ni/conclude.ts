/**
 * What the study of Super-NaturalInstructions has found.
 *
 * @module
 */
import type { Picture } from "../engine/picture.ts";
import type { Findings, Table } from "../engine/study.ts";
import {
  differences,
  type Estimate,
  estimate,
  type RowScores,
  rowScores,
  shown,
  shownEstimate,
} from "../trials/scores.ts";
import type { Tried } from "../trials/trial.ts";
import { baseName, officialMetric, type SuperNiSpec, type TaskFile, tunedName } from "./spec.ts";

/** The tasks of a category, or all of them. */
type Row = {
  readonly category: string;
  readonly examples: number;
  readonly metric: string;
  /** Instances that were asked, which fit into the context with that many examples. */
  readonly rows: number;
  /** Null where there is none. */
  readonly base: Estimate | null;
  readonly tuned: Estimate | null;
  readonly difference: Estimate | null;
};

const ALL = "all";

export function concludeSuperNi(
  spec: SuperNiSpec,
  results: ReadonlyMap<string, Tried>,
  files: readonly TaskFile[],
): Findings {
  const categories = [...new Set(files.map(({ category }) => category))];
  const rows = spec.metrics.flatMap((metric) =>
    [...categories, ALL].flatMap((category) => {
      const tasks = files.filter((file) => category === ALL || file.category === category)
        .map(({ name }) => name);
      return spec.examples.map((examples): Row => {
        const counting = { metric, tasks };
        const trials = spec.seeds.map((seed) => results.get(tunedName(examples, seed))!);
        const base = rowScores([results.get(baseName(examples))!], counting);
        const tuned = rowScores(trials, counting);
        return {
          ...{ category, examples, metric, rows: countOf(base) },
          base: estimate(base),
          tuned: estimate(tuned),
          difference: estimate(differences(base, tuned)),
        };
      });
    })
  );
  return {
    tables: spec.metrics.map((metric) => tableOf(rows, metric)),
    pictures: [pictureOf(rows.filter(({ metric }) => metric === spec.metrics[0]))],
    numbers: { rows },
  };
}

const countOf = (scores: RowScores): number =>
  [...scores.values()].reduce((sum, rows) => sum + rows.size, 0);

const wordsOf = (examples: number): string =>
  examples === 0 ? "definition" : `definition + ${examples}`;

function tableOf(rows: readonly Row[], metric: string): Table {
  return {
    title: `Unseen tasks: ${metric}`,
    note:
      "Scores of categories are means over tasks; intervals are over instances. Instances that are " +
      "longer than the context with their answer are left out. * is the benchmark's own score of the " +
      "category.",
    head: ["category", "prompt", "instances", "base", "tuned", "difference"],
    rows: rows.filter((row) => row.metric === metric).map((row) => [
      `${row.category}${
        row.category !== ALL && officialMetric(row.category) === metric ? " *" : ""
      }`,
      wordsOf(row.examples),
      `${row.rows}`,
      shown(row.base?.mean, metric),
      shown(row.tuned?.mean, metric),
      shownEstimate(row.difference, metric, true),
    ]),
  };
}

function pictureOf(rows: readonly Row[]): Picture {
  const categories = [...new Set(rows.map(({ category }) => category))];
  const examples = [...new Set(rows.map((row) => row.examples))];
  const line = (
    name: string,
    count: number,
    of: (row: Row) => Estimate | null,
    isStrong: boolean,
  ) => ({
    name,
    isStrong,
    isJoined: false,
    points: rows.filter((row) => row.examples === count).flatMap((row) => {
      const found = of(row);
      if (!found) return [];
      const { mean: y, low, high } = found;
      return [{ x: categories.indexOf(row.category), y, low, high }];
    }),
  });
  return {
    name: "categories",
    title: "Scores on unseen tasks by category, with intervals over instances",
    x: { label: "category", ticks: categories.map((label, at) => ({ at, label })) },
    y: { label: rows[0]!.metric, digits: 2 },
    lines: examples.flatMap((count) => [
      line(`base, ${wordsOf(count)}`, count, ({ base }) => base, false),
      line(`tuned, ${wordsOf(count)}`, count, ({ tuned }) => tuned, count === examples.at(-1)),
    ]),
  };
}
