/**
 * Scores of tasks as tables for people.
 *
 * @module
 */
import type { MetricScores, TaskScores } from "../../eval/tasks/report.ts";
import { columns } from "../lib/columns.ts";

const percent = (score: number): string => (100 * score).toFixed(1);
const signed = (score: number): string => `${score < 0 ? "" : "+"}${percent(score)}`;
const span = ([low, high]: readonly [number, number], of = percent): string =>
  `${of(low)} to ${of(high)}`;

/** A line a metric of each task: percentages, with 95 % intervals. */
function scoreLines(scores: readonly TaskScores[]): string[] {
  const isPaired = scores.some(({ metrics }) =>
    Object.values(metrics).some(({ paired }) => paired)
  );
  const head = isPaired
    ? ["task", "rows", "metric", "base", "tuned", "difference", "95 %", "won", "lost", "p", "kept"]
    : ["task", "rows", "metric", "base", "95 %"];
  const rows = scores.flatMap(({ task, rows, metrics }) =>
    Object.entries(metrics).map(([metric, found]) => [task, `${rows}`, metric, ...cells(found)])
  );
  return columns([head, ...rows], { right: [1, 3, ...(isPaired ? [4, 5, 7, 8, 9, 10] : [])] });
}

function cells({ models, paired }: MetricScores): string[] {
  const [base, tuned] = Object.values(models);
  if (!paired) return [percent(base!.mean), span(base!.interval)];
  const { difference, interval, wins, losses, p, kept } = paired;
  const chance = p < 0.001 ? "<0.001" : p.toFixed(3);
  return [
    ...[percent(base!.mean), percent(tuned!.mean), signed(difference), span(interval, signed)],
    ...[`${wins}`, `${losses}`, chance, kept === null ? "-" : percent(kept)],
  ];
}

/** How the prompts of tasks that have several differ; none where no task has. */
function promptLines(scores: readonly TaskScores[]): string[] {
  const rows = scores.flatMap(({ task, prompts, metrics }) =>
    Object.entries(metrics).flatMap(([metric, { models }]) =>
      Object.entries(models).flatMap(([model, { mean, worst, best, spread }]) =>
        spread === undefined
          ? []
          : [[task, `${prompts}`, metric, model, ...[mean, worst!, best!, spread].map(percent)]]
      )
    )
  );
  if (rows.length === 0) return [];
  const head = ["task", "prompts", "metric", "model", "mean", "worst", "best", "spread"];
  return columns([head, ...rows], { right: [1, 4, 5, 6, 7] });
}

/** How far the tuned model is from the base, on the base's own answers; none of one model alone. */
function divergenceLines(scores: readonly TaskScores[]): string[] {
  const rows = scores.flatMap(({ task, divergence }) =>
    divergence
      ? [[task, `${divergence.tokens}`, divergence.kl.toFixed(4), percent(divergence.agreement)]]
      : []
  );
  if (rows.length === 0) return [];
  const head = ["task", "tokens of the base's answers", "divergence", "same choice"];
  return columns([head, ...rows], { right: [1, 2, 3] });
}

/** All tables that scores have, with an empty line between two. */
export const tableLines = (scores: readonly TaskScores[]): string[] =>
  [scoreLines, promptLines, divergenceLines].map((lines) => lines(scores))
    .filter(({ length }) => length > 0)
    .flatMap((lines, i) => i === 0 ? lines : ["", ...lines]);
