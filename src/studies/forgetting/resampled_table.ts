/**
 * What certificates by draws of documents come to: how often what was certified was over its budget on
 * the documents that the draw had left.
 *
 * @module
 */
import { shareBound } from "../../forgetting/select/betting.ts";
import type { Table } from "../engine/study.ts";
import type { Score } from "./cell.ts";
import type { Resampled } from "./resampling.ts";
import type { Experiment } from "./spec.ts";

/** The level of what is said of runs. */
const DELTA = 0.05;

/** A certificate with its run and its budget. */
interface Cell extends Resampled {
  readonly run: string;
  readonly budget: number;
  readonly epsilon: number;
}

/** The tables of certificates by draws, and of violations that were planted; none without draws. */
export function drawnTables(
  scores: readonly Score[],
  { arms, budgets }: Pick<Experiment, "arms" | "budgets">,
): Table[] {
  const runOf = ({ arm, seed, budget }: Score) => {
    const { isControlled } = arms.find(({ name }) => name === arm)!;
    return [arm, `seed ${seed}`, ...(isControlled ? [`${budget} %`] : [])].join(", ");
  };
  const cells = scores.flatMap((score) => {
    const { budget, epsilon } = score;
    return score.drawn.map((drawn): Cell => ({ ...drawn, run: runOf(score), budget, epsilon }));
  });
  if (cells.length === 0) return [];
  const deltas = [...new Set(cells.map(({ delta }) => delta))];
  const planted = scores.filter((score) => score.planted !== null);
  return [
    {
      title: "Certificates by draws of documents",
      note:
        "Over the budget, and over the bound: on the documents that the draw has left, as the " +
        "certificate counts. Certificates of one run are not independent of each other: the last " +
        "column is the upper bound at 95 % of the share of runs that have any over the budget.",
      head: [
        "confidence and budget",
        ...["certificates", "certified", "over the budget", "over the bound", "counted whole"],
        ...["runs", "with any over", "at most"],
      ],
      rows: deltas.flatMap((delta) => {
        const ofDelta = cells.filter((cell) => cell.delta === delta);
        const name = `${Number((100 * (1 - delta)).toPrecision(6))} %`;
        return [
          ...budgets.map((budget) =>
            rowOf(`${name}, ppl:${budget}%`, ofDelta.filter((cell) => cell.budget === budget))
          ),
          rowOf(`${name}, all`, ofDelta),
        ];
      }),
    },
    {
      title: "Planted violations of the shape of each run's rises",
      note: "Documents drawn with replacement from the run's, scaled to a thousandth above the " +
        "budget: in percent of the tries, the largest of the runs behind it.",
      head: ["runs", "tries", "certified", "bound below the rise", "counted whole"],
      rows: [[
        String(planted.length),
        String(planted.reduce((sum, { planted }) => sum + planted!.tries, 0)),
        ...(["certified", "missed", "missed_whole"] as const).map((what) => {
          const shares = planted.map(({ planted }) => 100 * planted![what] / planted!.tries);
          const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
          return `${mean.toFixed(1)} (${Math.max(...shares).toFixed(1)})`;
        }),
      ]],
    },
  ];
}

/** Of certificates, how many and in how many runs were over. */
function rowOf(name: string, cells: readonly Cell[]): string[] {
  const certified = cells.filter(({ strength }) => strength > 0);
  const over = certified.filter(({ claimed, epsilon }) => claimed! > epsilon);
  const runs = new Set(certified.map(({ run }) => run)).size;
  const bad = new Set(over.map(({ run }) => run)).size;
  const count = (of: (cell: Cell) => boolean) => String(certified.filter(of).length);
  return [
    name,
    ...[cells.length, certified.length, over.length].map(String),
    count(({ claimed, upper }) => claimed! > upper!),
    count(({ whole, epsilon }) => whole! > epsilon),
    ...[runs, bad].map(String),
    runs === 0 ? "" : `${(100 * shareBound(bad, runs, DELTA)).toFixed(1)} %`,
  ];
}
