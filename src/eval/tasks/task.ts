/**
 * A task: what is asked, and what is right.
 *
 * @module
 */
import type { Content, TemplateSetting } from "../../data/mod.ts";
import { ConfigError } from "../../errors.ts";
import { BEHAVIOURS, isBehaviour, type Metric } from "../metrics/mod.ts";

/** Answers to choose from. */
export interface Choices {
  /** At least two, all different. */
  readonly texts: readonly string[];
  /** Which of them are right, at least one. */
  readonly right: readonly number[];
}

/** A row in the words of one prompt. */
export interface Question {
  /** The number of its row among those that are asked. */
  readonly row: number;
  /** What is asked, with the first reference as its answer. */
  readonly content: Content;
  /** The template by default. */
  readonly template: string;
  /** All answers that are right, at least one. */
  readonly references: readonly string[];
  readonly choices: Choices | null;
  /** What stands before a choice, where no template is named. */
  readonly lead: string;
}

/** A way to ask all rows. */
export interface Phrasing {
  /** "" where it is the rows' own. */
  readonly name: string;
  /** In the order of the rows; a row that the prompt says nothing of is missing. */
  readonly questions: readonly Question[];
}

/** Rows with the ways to ask and to score them. */
export interface Task {
  readonly name: string;
  /** Rows that are asked. */
  readonly rows: number;
  readonly phrasings: readonly Phrasing[];
  readonly metrics: readonly Metric[];
  readonly template: TemplateSetting | undefined;
  readonly maxTokens: number;
  /** Texts that end an answer. */
  readonly stop: readonly string[];
}

/** Whether it asks a model for texts, not for likelihoods alone. */
export const writesTexts = ({ metrics }: Pick<Task, "metrics">): boolean =>
  metrics.some(({ kind }) => kind === "text");

/** Whether it asks for the likelihoods of choices. */
export const ranksChoices = ({ metrics }: Pick<Task, "metrics">): boolean =>
  metrics.some(({ kind }) => kind === "choices");

/** @throws {ConfigError} where refusal is scored and a reference says nothing of it. */
export function checkBehaviours({ metrics, phrasings }: Task): void {
  if (!metrics.some(({ name }) => name === "refusal")) return;
  for (const { content, references } of phrasings.flatMap(({ questions }) => questions)) {
    const odd = references.find((reference) => !isBehaviour(reference));
    if (odd === undefined) continue;
    throw new ConfigError(
      `${content.origin}: found the reference ${JSON.stringify(odd)} under the metric refusal, ` +
        `wanted one of ${BEHAVIOURS.join(", ")}`,
    );
  }
}

/** @throws {ConfigError} where a metric is of choices and no question has any. */
export function checkChoices({ name, metrics, phrasings }: Task): void {
  const metric = metrics.find(({ kind }) => kind === "choices");
  const hasSome = phrasings.some(({ questions }) => questions.some(({ choices }) => choices));
  if (!metric || hasSome) return;
  throw new ConfigError(
    `${name}: found the metric ${metric.name} and rows without choices, wanted choices ` +
      "in the rows, the prompts or the task",
  );
}
