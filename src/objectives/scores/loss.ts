/**
 * What a loss of scores is.
 *
 * @module
 */
import type { Answers, Example } from "../../data/mod.ts";
import type { Column, Fields, Metric } from "../measured.ts";

/** An example, and the scores of each of its documents. */
export interface ScoredRow {
  readonly example: Example;
  readonly scores: readonly ArrayLike<number>[]; // [documents][scores]
}

/** The loss of rows, and its derivatives by all of their scores. */
export interface ScoreGradient {
  readonly loss: number;
  readonly dscores: readonly (readonly ArrayLike<number>[])[]; // [rows][documents][scores]
}

/** A loss of scores, set. */
export interface ScoreLoss {
  /** What its rows have. */
  readonly answers: Answers;
  /** The classes of its rows, where they have one. */
  readonly labels?: readonly string[];
  /** Scores of a document. */
  readonly scores: number;
  /** What it counts. */
  readonly unit: string;
  readonly columns: readonly Column[];
  /** Those of its statistics by which moments of a run can be compared. */
  readonly metrics: readonly Metric[];
  /** The mean over rows. */
  gradient(rows: readonly ScoredRow[]): ScoreGradient;
  /** What is said of rows beside their loss. */
  statistics(rows: readonly ScoredRow[]): Fields;
}
