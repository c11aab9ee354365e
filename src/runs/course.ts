/**
 * What the metrics of a run say of its course: curves over the updates, and where the time went.
 *
 * @module
 */
import { type Figure, linearRange, type Point } from "../report/chart.ts";
import type { Column } from "./events.ts";

/** A line of `metrics.jsonl`. */
export type Line = Readonly<Record<string, number | null | undefined>>;

/** The end of a field that counts the seconds of a part of all updates so far: `rollout_seconds`. */
const SECONDS = "_seconds";

/** The loss and what a progress line shows beside it, over the updates. */
export function courseOf(metrics: readonly Line[], columns: readonly Column[]): Figure[] {
  const shown = columns.map(({ field, label }) => ({ field, title: label }));
  return [{ field: "loss", title: "loss" }, ...shown]
    .map(({ field, title }) => curveOf(metrics, field, title))
    .filter((figure) => figure !== null);
}

/** A field where it has two values at least. */
function curveOf(metrics: readonly Line[], field: string, title: string): Figure | null {
  const points = metrics.flatMap(({ step, [field]: value }): Point[] =>
    typeof step === "number" && typeof value === "number" ? [[step, value]] : []
  );
  if (points.length < 2) return null;
  const values = points.map(([, y]) => y);
  const last = points.at(-1)!;
  const text = (value: number | undefined) => String(Number(value!.toPrecision(5)));
  return {
    title,
    alt: `${title} over ${last[0]} updates: from ${text(values[0])} to ${text(last[1])}.`,
    chart: {
      id: `chart-${field.replace(/[^a-z0-9_-]/gi, "-")}`,
      x: { label: "updates", range: [0, last[0]] },
      y: { label: field, range: linearRange(values) },
      limits: [],
      notes: [],
      series: [{ name: field, colour: "c2", line: "solid", dots: null, points, named: true }],
    },
  };
}

/** The parts of updates whose time is told, with their seconds. */
export function timesIn(metrics: readonly Line[]): [name: string, seconds: number][] {
  return Object.entries(metrics.at(-1) ?? {}).flatMap(([field, value]) =>
    field.endsWith(SECONDS) && typeof value === "number"
      ? [[field.slice(0, -SECONDS.length), value]]
      : []
  );
}
