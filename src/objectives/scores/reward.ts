/**
 * The reward of an answer, learnt from comparisons.
 *
 * @module
 */
import type { Example } from "../../data/mod.ts";
import { logistic, softplus } from "../preference/preference.ts";
import type { RewardConfig } from "../settings.ts";
import type { ScoredRow, ScoreGradient, ScoreLoss } from "./loss.ts";

/** Which of two answers of a row is better, and by how much where that is known. */
interface Comparison {
  readonly better: number;
  readonly worse: number;
  readonly margin: number;
}

/** A comparison, and the rewards of its answers. */
interface Compared extends Comparison {
  readonly won: number;
  readonly lost: number;
}

/**
 * The mean over rows of the mean over all pairs of a row's answers that differ in grade of
 * -log sigmoid(r_better - r_worse - margin), so that a row counts alike however many answers it has;
 * with `centring` times the mean of (r_better + r_worse)^2 over all pairs.
 *
 * Method: Ouyang et al. 2022, InstructGPT (arXiv 2203.02155), equation 1; the margin: Touvron et al.
 * 2023, Llama 2 (arXiv 2307.09288); centring: Eisenstein et al. 2023 (arXiv 2312.09244), as TRL has it.
 */
export const reward = ({ centring }: RewardConfig): ScoreLoss => ({
  answers: "ranked",
  scores: 1,
  unit: "nats a comparison",
  columns: [
    { field: "accuracy", label: "accuracy", unit: "number" },
    { field: "margin", label: "margin", unit: "number" },
  ],
  metrics: [
    { field: "accuracy", better: "higher" },
    { field: "margin", better: "higher" },
    { field: "calibration_error", better: "lower" },
  ],
  gradient: (rows) => gradient(rows, centring),
  statistics(rows) {
    const pairs = rows.flatMap(comparedIn);
    const rewards = rows.flatMap(({ scores }) => scores.map((score) => score[0]!));
    return {
      accuracy: mean(pairs.map(({ won, lost }) => Number(won > lost))),
      margin: mean(pairs.map(({ won, lost }) => won - lost)),
      mean_reward: mean(rewards),
      calibration_error: calibrationError(pairs.map(({ won, lost }) => logistic(won - lost))),
    };
  },
});

function gradient(rows: readonly ScoredRow[], centring: number): ScoreGradient {
  const compared = rows.map(comparedIn);
  const pairs = compared.flat().length;
  let loss = 0;
  const dscores = rows.map(({ scores }, i) => {
    const d = scores.map(() => [0]);
    const count = compared[i]!.length * rows.length;
    for (const { better, worse, won, lost, margin } of compared[i]!) {
      const difference = won - lost - margin;
      loss += softplus(-difference) / count + centring * (won + lost) ** 2 / pairs;
      const dcentred = 2 * centring * (won + lost) / pairs;
      d[better]![0]! += -logistic(-difference) / count + dcentred;
      d[worse]![0]! += logistic(-difference) / count + dcentred;
    }
    return d;
  });
  return { loss, dscores };
}

function comparedIn({ example, scores }: ScoredRow): Compared[] {
  return comparisonsOf(example).map((comparison) => ({
    ...comparison,
    won: scores[comparison.better]![0]!,
    lost: scores[comparison.worse]![0]!,
  }));
}

/** All pairs of answers of different grades. */
export function comparisonsOf({ sides }: Pick<Example, "sides">): Comparison[] {
  const { grades = [1, 0], margin = 0 } = sides!;
  return grades.flatMap((a, i) =>
    grades.slice(i + 1).flatMap((b, k) => {
      const j = i + 1 + k;
      if (a === b) return [];
      return a > b ? [{ better: i, worse: j, margin }] : [{ better: j, worse: i, margin }];
    })
  );
}

/** Parts of the probabilities from 1/2 to 1. */
const BINS = 10;

/**
 * How far probabilities are from the truth: pairs are put into bins by how sure the model is of the
 * answer that it finds better, and the mean distance of that from the share that is right is weighed
 * by the bins' pairs (Guo et al. 2017, arXiv 1706.04599).
 *
 * @param probabilities that the better answer is better.
 */
export function calibrationError(probabilities: readonly number[]): number {
  const bins = Array.from({ length: BINS }, () => ({ sure: 0, right: 0 }));
  for (const p of probabilities) {
    const sure = Math.max(p, 1 - p);
    const bin = bins[Math.min(BINS - 1, Math.floor((sure - 0.5) * 2 * BINS))]!;
    bin.sure += sure;
    bin.right += p === 0.5 ? 0.5 : Number(p > 0.5);
  }
  const apart = bins.reduce((sum, { sure, right }) => sum + Math.abs(sure - right), 0);
  return apart / probabilities.length;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
