/**
 * What is measured of a run: fields, how they are shown, and which of them tell a better model.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import type { Queued } from "../eval/documents.ts";
import { didYouMean } from "../io/nearest.ts";

/** Numbers by the names that `metrics.jsonl` has for them. */
export type Fields = Readonly<Record<string, number>>;

/** A field by which moments of a run can be compared. */
export interface Metric {
  /** Its name in the metrics. */
  readonly field: string;
  /** Which of two values is the better one. */
  readonly better: "lower" | "higher";
}

/** A metric that can be measured at any time. */
export interface RunMetric extends Metric {
  /** Of the model as it is. A sync point. */
  measure(): Promise<number>;
}

/** The metrics of some meters, `step` being the update that they are told of. */
export const metricsOf = (meters: readonly Meter[], step: number): RunMetric[] =>
  meters.flatMap((meter) =>
    (meter.metrics ?? []).map((metric) => ({
      ...metric,
      measure: async () => (await (await meter.measure(step)).result)[metric.field] ?? NaN,
    }))
  );

/** @throws {ConfigError} where the run measures no metric of that field, as `train.metric` names it. */
export function metricOf(field: string, metrics: readonly RunMetric[]): RunMetric {
  const metric = metrics.find((metric) => metric.field === field);
  if (metric) return metric;
  const names = metrics.map(({ field }) => field);
  const wanted = names.length === 0 ? "a run that measures one" : `one of ${names.join(", ")}`;
  throw new ConfigError(
    `train.metric: found ${JSON.stringify(field)}, wanted ${wanted}${didYouMean(field, names)}`,
  );
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
