/**
 * What is measured of a run: fields, how they are shown, and which of them tell a better model.
 *
 * @module
 */
import type { Queued } from "../eval/documents.ts";

/** Numbers by the names that `metrics.jsonl` has for them. */
export type Fields = Readonly<Record<string, number>>;

/** A field by which moments of a run can be compared. */
export interface Metric {
  /** Its name in the metrics. */
  readonly field: string;
  /** Which of two values is the better one. */
  readonly better: "lower" | "higher";
}

/** A field of the metrics that a progress line shows. */
export interface Column {
  /** Its name in the metrics. */
  readonly field: string;
  /** What stands before it; columns of one label stand together. */
  readonly label: string;
  /** Which of several it is, such as the name of a text. */
  readonly of?: string;
  /** The most that it may be, where something holds it to that. */
  readonly budget?: number;
  /** A share that is shown as a signed percentage, or a plain number. */
  readonly unit: "percent" | "number";
}

/** What is measured now and then. */
export interface Meter {
  /** Fields that are known before anything is measured: those of a run that goes on. */
  readonly known: Fields;
  /** Those of its fields by which moments of a run can be compared. */
  readonly metrics?: readonly Metric[];
  /** Whether it is to be measured before that update. */
  isDue(step: number): boolean;
  /** Submits a measurement of the model as it is; the fields follow. */
  measure(step: number): Promise<Queued<Fields>>;
}
