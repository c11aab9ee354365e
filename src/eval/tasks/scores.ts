/**
 * What the answers of a task come to: the mean over rows with an interval, over prompts the worst,
 * the best and the spread, and two models row by row.
 *
 * @module
 */
import { random } from "../../random.ts";

/** Times that rows are drawn again for an interval. */
const RESAMPLES = 10_000;
/** Of an interval, on each side. */
const TAIL = 0.025;

/** The score of an answer. */
export interface ScoredRow {
  /** The number of its row. */
  readonly row: number;
  /** The name of the prompt. */
  readonly phrasing: string;
  readonly score: number;
}

/** One model by one metric. */
export interface Summary {
  /** Over rows, each the mean over its prompts. */
  readonly mean: number;
  /** Of the mean, 95 %: percentiles of rows drawn again (bootstrap). */
  readonly interval: readonly [number, number];
  /** The mean of each prompt; absent where there is only one. */
  readonly prompts?: Readonly<Record<string, number>>;
  /** Of these means; absent with them. */
  readonly worst?: number;
  /** See {@linkcode Summary.worst}. */
  readonly best?: number;
  /** Best less worst. */
  readonly spread?: number;
}

/** Two models on the same rows. */
export interface Paired {
  /** The mean of the second less that of the first. */
  readonly difference: number;
  /** Of the difference, 95 %: rows are drawn with both of their scores. */
  readonly interval: readonly [number, number];
  /** Rows on which the second is better, worse and as good. */
  readonly wins: number;
  /** See {@linkcode Paired.wins}. */
  readonly losses: number;
  /** See {@linkcode Paired.wins}. */
  readonly ties: number;
  /**
   * Of the rows that the first scores on, the share on which the second scores as much at least: what
   * is kept; null where there are none.
   */
  readonly kept: number | null;
  /** Two-sided, of so uneven wins and losses where both are as likely (McNemar, exact). */
  readonly p: number;
}

/** The scores of each row: means over its prompts. */
export function rowMeans(scored: readonly ScoredRow[]): Map<number, number> {
  const rows = Map.groupBy(scored, ({ row }) => row);
  const pairs = [...rows].sort(([a], [b]) => a - b);
  return new Map(pairs.map(([row, of]) => [row, mean(of.map(({ score }) => score))]));
}

/** @param seed decides which rows are drawn again. */
export function summarise(scored: readonly ScoredRow[], seed: number): Summary {
  const rows = [...rowMeans(scored).values()];
  const phrasings = Map.groupBy(scored, ({ phrasing }) => phrasing);
  const summary = { mean: mean(rows), interval: interval(rows, seed) };
  if (phrasings.size === 1) return summary;
  const means = Array.from(
    phrasings,
    ([name, of]) => [name, mean(of.map(({ score }) => score))] as const,
  );
  const [worst, best] = [Math.min, Math.max].map((of) => of(...means.map(([, mean]) => mean)));
  return {
    ...summary,
    prompts: Object.fromEntries(means),
    worst: worst!,
    best: best!,
    spread: best! - worst!,
  };
}

/** Compares two models that answered the same questions. */
export function compare(
  before: readonly ScoredRow[],
  after: readonly ScoredRow[],
  seed: number,
): Paired {
  const [first, second] = [rowMeans(before), rowMeans(after)];
  const differences = Array.from(first, ([row, score]) => second.get(row)! - score);
  const wins = differences.filter((difference) => difference > 0).length;
  const losses = differences.filter((difference) => difference < 0).length;
  return {
    difference: mean(differences),
    interval: interval(differences, seed),
    wins,
    losses,
    ties: differences.length - wins - losses,
    kept: keptShare(first, second),
    p: signTest(wins, losses),
  };
}

function keptShare(
  first: ReadonlyMap<number, number>,
  second: ReadonlyMap<number, number>,
): number | null {
  const scored = [...first].filter(([, score]) => score > 0);
  if (scored.length === 0) return null;
  return scored.filter(([row, score]) => second.get(row)! >= score).length / scored.length;
}

/** Percentiles of the mean of as many values, drawn with replacement. */
export function interval(values: readonly number[], seed: number): [number, number] {
  const count = values.length;
  const means = Float64Array.from({ length: RESAMPLES }, (_, resample) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += values[Math.floor(random(seed, resample, i) * count)]!;
    return sum / count;
  }).sort();
  const at = (share: number) => means[Math.round(share * (RESAMPLES - 1))]!;
  return [at(TAIL), at(1 - TAIL)];
}

/** Two-sided p-value of wins and losses, were both as likely. */
export function signTest(wins: number, losses: number): number {
  const count = wins + losses;
  let logChoose = 0; // of (count over i)
  let tail = 0;
  for (let i = 0; i <= Math.min(wins, losses); i++) {
    tail += Math.exp(logChoose - count * Math.LN2);
    logChoose += Math.log((count - i) / (i + 1));
  }
  return Math.min(1, 2 * tail);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
