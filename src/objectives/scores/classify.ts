/**
 * The class of a text, among some that are known by name.
 *
 * @module
 */
import type { ClassifyConfig } from "../settings.ts";
import type { ScoredRow, ScoreGradient, ScoreLoss } from "./loss.ts";

/** Classes by the softmax of their scores: the mean negative log-likelihood of the right one. */
export const classify = ({ labels }: ClassifyConfig): ScoreLoss => ({
  answers: "labelled",
  labels,
  scores: labels.length,
  unit: "nats a row",
  columns: [{ field: "accuracy", label: "accuracy", unit: "number" }],
  metrics: [
    { field: "accuracy", better: "higher" },
    { field: "f1", better: "higher" },
  ],
  gradient,
  statistics(rows) {
    const wanted = rows.map(({ example }) => example.label!);
    const found = rows.map(({ scores }) => indexOfLargest(scores[0]!));
    return { accuracy: accuracyOf(wanted, found), f1: macroF1(wanted, found) };
  },
});

function gradient(rows: readonly ScoredRow[]): ScoreGradient {
  let loss = 0;
  const dscores = rows.map(({ example: { label }, scores: [scores] }) => {
    const likelihoods = logSoftmax(Array.from(scores!));
    loss -= likelihoods[label!]! / rows.length;
    return [likelihoods.map((log, i) => (Math.exp(log) - Number(i === label)) / rows.length)];
  });
  return { loss, dscores };
}

function logSoftmax(scores: readonly number[]): number[] {
  const largest = Math.max(...scores);
  const sum = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
  return scores.map((score) => score - largest - Math.log(sum));
}

/** The first of the largest. */
export function indexOfLargest(scores: ArrayLike<number>): number {
  return Array.from(scores).reduce((best, score, i, all) => score > all[best]! ? i : best, 0);
}

/** The share of the rows whose class was found. */
export function accuracyOf(wanted: readonly number[], found: readonly number[]): number {
  return wanted.filter((label, i) => label === found[i]).length / wanted.length;
}

/**
 * The mean of the F1 of all classes that are wanted or found anywhere, each class counting alike: as
 * `f1_score` of scikit-learn with average "macro".
 */
export function macroF1(wanted: readonly number[], found: readonly number[]): number {
  const classes = [...new Set([...wanted, ...found])];
  const f1 = classes.map((label) => {
    const hits = wanted.filter((other, i) => other === label && found[i] === label).length;
    const named = [...wanted, ...found].filter((other) => other === label).length;
    return 2 * hits / named;
  });
  return f1.reduce((sum, one) => sum + one, 0) / classes.length;
}
