/**
 * The scores of tasks, of one model or of two side by side.
 *
 * @module
 */
import {
  compare,
  type Paired,
  rowMeans,
  type ScoredRow,
  summarise,
  type Summary,
} from "./scores.ts";
import type { Task } from "./task.ts";

/** An answer as far as scores go. */
export interface ScoredAnswer {
  readonly question: { readonly row: number };
  readonly phrasing: string;
  readonly scores: Readonly<Record<string, number>>;
}

/** A metric on a task. */
export interface MetricScores {
  /** By the names of the models: `base`, and `tuned` where there is an adapter. */
  readonly models: Readonly<Record<string, Summary>>;
  /** Tuned beside base, where there are both. */
  readonly paired?: Paired;
}

/** What a task comes to. */
export interface TaskScores {
  /** Its name. */
  readonly task: string;
  /** Rows that were asked. */
  readonly rows: number;
  /** In how many words each. */
  readonly prompts: number;
  /** By their names. */
  readonly metrics: Readonly<Record<string, MetricScores>>;
  /** How far the tuned model is from the base, on what the base answered; null where it wrote none. */
  readonly divergence?: Divergence | null;
}

/** The tuned model's predictions beside the base's, over the tokens of the base's own answers. */
export interface Divergence {
  /** Tokens of all answers. */
  readonly tokens: number;
  /** Nats a token: of the base's predictions from the tuned model's. */
  readonly kl: number;
  /** The share of tokens at which both would have said the same. */
  readonly agreement: number;
}

/**
 * Scores a task.
 *
 * @param answers of each model, by its name; of two the first is the one to compare with.
 * @param seed decides which rows are drawn again for intervals.
 */
export function taskScores(
  { name, rows, phrasings, metrics }: Task,
  answers: Readonly<Record<string, readonly ScoredAnswer[]>>,
  seed: number,
): TaskScores {
  const scored = metrics.map((metric): [string, MetricScores] => {
    const byModel = Object.entries(answers).map(([model, of]) =>
      [model, rowsBy(of, metric.name)] as const
    );
    const models = byModel.map(([model, rows]) => [model, summarise(rows, seed)]);
    const [first, second] = byModel;
    return [metric.name, {
      models: Object.fromEntries(models),
      ...(second && { paired: compare(first![1], second[1], seed) }),
    }];
  });
  return { task: name, rows, prompts: phrasings.length, metrics: Object.fromEntries(scored) };
}

/** The mean of each metric over rows, each the mean over its prompts. */
export function taskMeans(
  { metrics }: Pick<Task, "metrics">,
  answers: readonly ScoredAnswer[],
): Record<string, number> {
  return Object.fromEntries(metrics.map(({ name }) => {
    const means = [...rowMeans(rowsBy(answers, name)).values()];
    return [name, means.reduce((sum, mean) => sum + mean, 0) / means.length];
  }));
}

function rowsBy(answers: readonly ScoredAnswer[], metric: string): ScoredRow[] {
  return answers.flatMap(({ question: { row }, phrasing, scores }) =>
    metric in scores ? [{ row, phrasing, score: scores[metric]! }] : []
  );
}
