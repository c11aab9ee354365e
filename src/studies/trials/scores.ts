/**
 * Scores over several tasks: the mean of the tasks' means, with intervals over rows.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { random } from "../../random.ts";
import { type Answers, NATS, type ScoredQuestion } from "./answers.ts";
import type { Tried } from "./trial.ts";

/** A number with its interval of 95 %. */
export type Estimate = {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
};

/** The scores of the rows of some tasks, by task and row. */
export type RowScores = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** Times that rows are drawn again for an interval. */
const RESAMPLES = 2000;
/** Of an interval, on each side. */
const TAIL = 0.025;

/** Which answers count. */
export interface Counting {
  readonly metric: string;
  /** All tasks where absent. */
  readonly tasks?: readonly string[];
  /** All phrasings where absent. */
  readonly counts?: (answer: ScoredQuestion, task: string) => boolean;
}

/** The scores of rows in a trial, or the means over several that differ in their seeds. */
export function rowScores(trials: readonly Tried[], counting: Counting): RowScores {
  const each = trials.map((trial) => rowsOf(trial, counting));
  const [first] = each;
  const names = [...first?.keys() ?? []];
  return new Map(names.map((task) => [task, averaged(each.map((of) => of.get(task)!))]));
}

function rowsOf(
  { tasks }: Tried,
  { metric, tasks: names, counts = () => true }: Counting,
): RowScores {
  const wanted = Object.entries(tasks).filter(([name]) => names?.includes(name) ?? true);
  return new Map(wanted.map(([task, { answers }]: [string, Answers]) => {
    const counted = answers.filter((answer) => metric in answer.scores && counts(answer, task));
    const rows = Map.groupBy(counted, ({ row }) => row);
    return [task, new Map(Array.from(rows, ([row, of]) => [row, mean(of.map(valueOf(metric)))]))];
  }));
}

const valueOf = (metric: string) => ({ scores }: ScoredQuestion) => scores[metric]!;

/** Row by row; only rows that all have. */
function averaged(of: readonly ReadonlyMap<number, number>[]): Map<number, number> {
  const rows = [...of[0]!.keys()].filter((row) => of.every((scores) => scores.has(row)));
  return new Map(rows.map((row) => [row, mean(of.map((scores) => scores.get(row)!))]));
}

/** The rows that both have: of each the second's score less the first's. */
export function differences(before: RowScores, after: RowScores): RowScores {
  return new Map(Array.from(after, ([task, rows]) => {
    const base = before.get(task);
    const both = [...rows].filter(([row]) => base?.has(row));
    return [task, new Map(both.map(([row, score]) => [row, score - base!.get(row)!]))];
  }));
}

/**
 * The mean over tasks of the means over rows. Its interval is of rows that are drawn again within each
 * task: of other rows of these tasks, not of other tasks or seeds.
 *
 * @returns null where no task has a row.
 */
export function estimate(scores: RowScores, seed = 0): Estimate | null {
  const tasks = [...scores.values()].map((rows) => [...rows.values()]).filter(({ length }) =>
    length
  );
  if (tasks.length === 0) return null;
  const means = Float64Array.from(
    { length: RESAMPLES },
    (_, draw) => mean(tasks.map((values, task) => redrawn(values, [seed, draw, task]))),
  ).sort();
  const at = (share: number) => means[Math.round(share * (RESAMPLES - 1))]!;
  return { mean: mean(tasks.map(mean)), low: at(TAIL), high: at(1 - TAIL) };
}

/**
 * {@link estimate} of what must have rows.
 *
 * @throws {FileError} where it has none.
 */
export function scored(scores: RowScores): Estimate {
  const found = estimate(scores);
  if (found) return found;
  throw new FileError(
    `Found no question of ${[...scores.keys()].join(", ")} that fits into the context with its ` +
      "answer, wanted one at least",
  );
}

/** The mean of as many values, drawn with replacement. */
function redrawn(values: readonly number[], [seed, draw, task]: [number, number, number]): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[Math.floor(random(seed, draw, task, i) * values.length)]!;
  }
  return sum / values.length;
}

/** Of an empty list NaN. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** How a metric is read: a share in percent, or nats. */
const isShare = (metric: string): boolean => metric !== NATS;

/** In percent, or in nats. */
export function shown(value: number | null | undefined, metric: string): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  return isShare(metric) ? (100 * value).toFixed(1) : value.toFixed(3);
}

/** With its interval. */
export function shownEstimate(of: Estimate | null, metric: string, isDifference = false): string {
  if (of === null) return "";
  const sign = (value: number) => `${isDifference && value > 0 ? "+" : ""}${shown(value, metric)}`;
  return `${sign(of.mean)} (${sign(of.low)} to ${sign(of.high)})`;
}

/** Whether an interval of a difference has no zero in it. */
export const isClear = ({ low, high }: Estimate): boolean => low > 0 || high < 0;
