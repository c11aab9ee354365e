/**
 * What the study of quality has found.
 *
 * @module
 */
import { words } from "../../curate/words.ts";
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
import { type Correlation, rankCorrelation } from "./correlation.ts";
import type { Chosen, QualityResult } from "./study.ts";
import { BASE, cellName, type QualitySpec, type Way } from "./spec.ts";

/** One way at one size, over the seeds. */
type Row = {
  readonly way: Way;
  readonly size: number;
  readonly chosen: Chosen;
  /** Words of an answer of the tuned model; null where it only chooses. */
  readonly words: number | null;
  readonly scores: Readonly<Record<string, { readonly tuned: Estimate; readonly gain: Estimate }>>;
};

/** How well a figure of the report orders the cells by their gain. */
type Prediction = {
  readonly figure: string;
  readonly all: Correlation;
  /** The same among cells of one size. */
  readonly at_equal_sizes: Correlation;
};

const FIGURES = [
  "rows",
  "verb_objects",
  "distinct_2",
  "nearest_rouge_l",
  "difficulty",
  "answer_words",
] as const satisfies readonly (keyof Chosen)[];

export function concludeQuality(
  spec: QualitySpec,
  results: ReadonlyMap<string, QualityResult>,
): Findings {
  const base = results.get(BASE) as Tried;
  const rows = spec.sizes.flatMap((size) =>
    spec.ways.map((way) => rowOf(spec, results, way, size))
  );
  const [metric] = spec.metrics as [string];
  const sign = metric === NATS ? -1 : 1;
  const gains = rows.map(({ scores }) => sign * scores[metric]!.gain.mean);
  const sizes = rows.map(({ size }) => size);
  const predictions = FIGURES.map((figure): Prediction => {
    const figures = rows.map(({ chosen }) => chosen[figure]);
    return {
      figure,
      all: rankCorrelation(figures, gains),
      at_equal_sizes: rankCorrelation(figures, gains, sizes),
    };
  });
  const lengths = {
    base: lengthOf([base], ({ output }) => output),
    references: lengthOf([base], ({ reference }) => reference),
  };
  return {
    tables: [
      ...spec.metrics.map((metric) => scoreTable(spec, rows, base, metric)),
      lengthTable(rows, lengths),
      predictionTable(predictions, metric),
    ],
    pictures: [pictureOf(spec, rows, metric)],
    numbers: { rows, lengths, predictions },
  };
}

function rowOf(
  { metrics, seeds }: QualitySpec,
  results: ReadonlyMap<string, QualityResult>,
  way: Way,
  size: number,
): Row {
  const base = results.get(BASE) as Tried;
  const trials = seeds.map((seed) =>
    results.get(cellName(way, size, seed)) as Tried & { chosen: Chosen }
  );
  const scores = metrics.map((metric) => {
    const tuned = rowScores(trials, { metric });
    const gain = scored(differences(rowScores([base], { metric }), tuned));
    return [metric, { tuned: scored(tuned), gain }] as const;
  });
  const chosen = FIGURES.map((figure) =>
    [figure, mean(trials.map(({ chosen }) => chosen[figure]))] as const
  );
  return {
    ...{ way, size },
    chosen: Object.fromEntries(chosen) as Chosen,
    words: lengthOf(trials, ({ output }) => output),
    scores: Object.fromEntries(scores),
  };
}

/** The mean of words in some text of all answers; null where there is none. */
function lengthOf(
  trials: readonly Tried[],
  text: (answer: ScoredQuestion) => string | null,
): number | null {
  const counts = trials.flatMap(({ tasks }) =>
    Object.values(tasks).flatMap(({ answers }) =>
      answers.flatMap((answer) => text(answer) === null ? [] : [words(text(answer)!).length])
    )
  );
  return counts.length > 0 ? mean(counts) : null;
}

function scoreTable(
  { ways, sizes }: QualitySpec,
  rows: readonly Row[],
  base: Tried,
  metric: string,
): Table {
  const before = scored(rowScores([base], { metric }));
  return {
    title: `Gain over the base by rows chosen: ${metric}`,
    note:
      `The base has ${
        shown(before.mean, metric)
      }. Gains with intervals over rows of the tasks; in ` +
      "brackets how many rows there were, where fewer than asked for. All had the same updates.",
    head: ["chosen by", ...sizes.map((size) => `${size} rows`)],
    rows: ways.map((way) => [
      way,
      ...sizes.map((size) => {
        const { chosen, scores } = rows.find((row) => row.way === way && row.size === size)!;
        const count = chosen.rows < size ? ` [${chosen.rows}]` : "";
        return shownEstimate(scores[metric]!.gain, metric, true) + count;
      }),
    ]),
  };
}

function lengthTable(
  rows: readonly Row[],
  { base, references }: { readonly base: number | null; readonly references: number | null },
): Table {
  const shownWords = (count: number | null) => count === null ? "" : count.toFixed(1);
  return {
    title: "Words of an answer",
    note: `The base writes ${shownWords(base)}, right answers have ${shownWords(references)}.`,
    head: ["chosen by", "rows", "in the rows", "by the tuned model"],
    rows: rows.map(({ way, chosen, words: tuned }) => [
      way,
      `${chosen.rows}`,
      shownWords(chosen.answer_words),
      shownWords(tuned),
    ]),
  };
}

function predictionTable(predictions: readonly Prediction[], metric: string): Table {
  return {
    title: "Does the report predict the gain?",
    note:
      `Rank correlation (Spearman) of a figure of the chosen rows with the gain in ${metric} over ` +
      "the cells of this study and among those of one size, and the share of random orders that " +
      "correlate as much.",
    head: ["figure", "all cells", "p", "at equal sizes", "p"],
    rows: predictions.map(({ figure, all, at_equal_sizes }) => [
      figure,
      ...[all, at_equal_sizes].flatMap(({ rho, p }) => [rho.toFixed(2), p.toFixed(3)]),
    ]),
  };
}

function pictureOf({ ways, sizes }: QualitySpec, rows: readonly Row[], metric: string): Picture {
  return {
    name: "gains",
    title: "Scores by the number of rows and how they were chosen, with intervals over rows",
    x: {
      label: "rows asked for",
      isLog: true,
      ticks: sizes.map((size) => ({ at: size, label: `${size}` })),
    },
    y: { label: metric, digits: 3 },
    lines: ways.map((way) => ({
      name: way,
      isStrong: way === "select",
      points: rows.filter((row) => row.way === way).map(({ size, scores }) => {
        const { mean: y, low, high } = scores[metric]!.tuned;
        return { x: size, y, low, high };
      }),
    })),
  };
}
