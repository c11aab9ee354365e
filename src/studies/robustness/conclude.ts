/**
 * What the study of robustness has found.
 *
 * @module
 */
import type { Picture } from "../engine/picture.ts";
import type { Findings, Table } from "../engine/study.ts";
import {
  differences,
  type Estimate,
  mean,
  rowScores,
  scored,
  shown,
  shownEstimate,
} from "../trials/scores.ts";
import { NATS, type ScoredQuestion } from "../trials/answers.ts";
import type { Tried } from "../trials/trial.ts";
import { BASE, cellName, type RobustnessSpec, trainedPhrasings } from "./spec.ts";

/** Models that were trained on so many phrasings, by one metric. */
type Row = {
  /** 0 is the base. */
  readonly trained_on: number;
  readonly metric: string;
  readonly all: Estimate;
  /** Less the base; null of the base. */
  readonly difference: Estimate | null;
  /** Means over tasks and seeds of the mean of the worst and the best phrasing of each. */
  readonly worst: number;
  readonly best: number;
  readonly spread: number;
  /** The score under phrasings that were trained on and under others; null where there are none. */
  readonly seen: number | null;
  readonly unseen: number | null;
};

/** The number of a phrasing, by its name: `prompts[3]`. */
const numberOf = ({ phrasing }: ScoredQuestion): number => Number(/\d+/.exec(phrasing)![0]);

export function concludeRobustness(
  spec: RobustnessSpec,
  results: ReadonlyMap<string, Tried>,
  phrasings: Readonly<Record<string, number>>,
): Findings {
  const base = results.get(BASE)!;
  const rows = spec.metrics.flatMap((metric) => {
    const before = rowScores([base], { metric });
    return [
      rowOf([base], { metric, trained_on: 0, difference: null, isSeen: () => false }),
      ...spec.trained_on.map((count) => {
        const trials = spec.seeds.map((seed) => results.get(cellName(count, seed))!);
        const difference = scored(differences(before, rowScores(trials, { metric })));
        const isSeen = (seed: number, task: string, phrasing: number) =>
          trainedPhrasings(phrasings[task]!, count, spec.seeds[seed]!).includes(phrasing);
        return rowOf(trials, { metric, trained_on: count, difference, isSeen });
      }),
    ];
  });
  return {
    tables: spec.metrics.map((metric) => tableOf(rows, metric)),
    pictures: [pictureOf(rows.filter(({ metric }) => metric === spec.metrics[0]))],
    numbers: { rows },
  };
}

interface About extends Pick<Row, "metric" | "trained_on" | "difference"> {
  /** Whether a phrasing of a task was trained on, in the trial of that number. */
  readonly isSeen: (trial: number, task: string, phrasing: number) => boolean;
}

function rowOf(trials: readonly Tried[], { metric, isSeen, ...about }: About): Row {
  const perTask = trials.flatMap((trial, number) =>
    Object.entries(trial.tasks).filter(([, { answers }]) => answers.length > 0)
      .map(([task, { answers }]) => {
        const phrasings = Map.groupBy(answers, numberOf);
        const means = Array.from(phrasings, ([phrasing, of]) => ({
          isSeen: isSeen(number, task, phrasing),
          score: mean(of.map(({ scores }) => scores[metric]!)),
        }));
        const only = (seen: boolean) =>
          means.filter((one) => one.isSeen === seen).map(({ score }) => score);
        const scores = means.map(({ score }) => score);
        return {
          low: Math.min(...scores),
          high: Math.max(...scores),
          seen: only(true),
          unseen: only(false),
        };
      })
  );
  const over = (of: (task: typeof perTask[number]) => number) => mean(perTask.map(of));
  const part = (name: "seen" | "unseen") => {
    const means = perTask.map((task) => task[name]).filter(({ length }) => length > 0).map(mean);
    return means.length > 0 ? mean(means) : null;
  };
  const [low, high] = [over(({ low }) => low), over(({ high }) => high)];
  const isLoss = metric === NATS;
  return {
    ...about,
    metric,
    all: scored(rowScores(trials, { metric })),
    worst: isLoss ? high : low,
    best: isLoss ? low : high,
    spread: high - low,
    seen: part("seen"),
    unseen: part("unseen"),
  };
}

const nameOf = ({ trained_on: count }: Row): string => count === 0 ? "base" : `${count}`;

function tableOf(rows: readonly Row[], metric: string): Table {
  return {
    title: `Phrasings trained on: ${metric}`,
    note:
      "Each task is asked in every phrasing. Worst, best and spread are of the means of a task's " +
      "phrasings, then means over tasks and seeds; intervals are over rows.",
    head: ["trained on", "mean", "to the base", "worst", "best", "spread", "seen", "unseen"],
    rows: rows.filter((row) => row.metric === metric).map((row) => [
      nameOf(row),
      shownEstimate(row.all, metric),
      shownEstimate(row.difference, metric, true),
      ...[row.worst, row.best, row.spread, row.seen, row.unseen].map((of) => shown(of, metric)),
    ]),
  };
}

function pictureOf(rows: readonly Row[]): Picture {
  const line = (name: string, of: (row: Row) => number) => ({
    name,
    points: rows.map((row, x) => ({ x, y: of(row) })),
  });
  return {
    name: "phrasings",
    title: "Scores under all phrasings against how many were trained on, with intervals over rows",
    x: {
      label: "phrasings trained on",
      ticks: rows.map((row, at) => ({ at, label: nameOf(row) })),
    },
    y: { label: rows[0]!.metric, digits: 2 },
    lines: [
      {
        name: "mean",
        isStrong: true,
        points: rows.map(({ all: { mean: y, low, high } }, x) => ({ x, y, low, high })),
      },
      line("worst phrasing", ({ worst }) => worst),
      line("best phrasing", ({ best }) => best),
    ],
  };
}
