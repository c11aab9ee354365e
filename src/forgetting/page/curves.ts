/**
 * The charts of a run over its steps: task loss, forgetting, the guard's weights.
 *
 * @module
 */
import type { Metric } from "../budget.ts";
import type { ForgettingReport, TaskReport } from "../report/format.ts";
import {
  type Axis,
  colourOf,
  type Figure,
  linearRange,
  logRange,
  type Point,
} from "../../report/chart.ts";
import { fixed } from "../../report/numbers.ts";
import { inBudgetUnit, shiftText, unitOf } from "./units.ts";

/** A line of `metrics.jsonl`; what was not finite is null. */
export type MetricsLine = Readonly<Record<string, number | null | undefined>>;

/** The charts that there is something to draw in. */
export function curves(report: ForgettingReport, metrics: readonly MetricsLine[]): Figure[] {
  if (report.history.length === 0) return [];
  const last = Math.max(report.history.at(-1)!.step, metrics.at(-1)?.["step"] ?? 0);
  const x: Axis = { label: "updates", range: [0, last || 1] };
  const units = [...new Set(report.domains.map(({ metric }) => metric))];
  return [
    ...(report.task ? [taskCurve(report, report.task, metrics, x)] : []),
    ...units.map((metric) => forgettingCurve(report, metric, x)),
    ...weightCurve(report, metrics, x),
  ];
}

function taskCurve(
  { history, chosen: { step } }: ForgettingReport,
  task: TaskReport,
  metrics: readonly MetricsLine[],
  x: Axis,
): Figure {
  const training = pointsOf(metrics, "loss");
  const measured = history.map(({ step, task_loss }): Point => [step, task_loss]);
  const chosen: Point[] = [[step, task.tuned_loss]];
  const all = [...training, ...measured, ...chosen].map(([, y]) => y);
  return {
    title: "Task loss",
    alt:
      `Task loss over ${x.range[1]} updates: on ${task.rows} rows of ${task.from} it goes from ` +
      `${fixed(history[0]!.task_loss, 4)} to ${
        fixed(history.at(-1)!.task_loss, 4)
      } ${task.unit}; ` +
      `what is chosen has ${fixed(task.tuned_loss, 4)}.`,
    chart: {
      id: "chart-task",
      x,
      y: { label: task.unit, range: linearRange(all) },
      limits: [],
      notes: [],
      series: [
        { ...curve("training rows", "muted", training), line: "thin", dots: null },
        curve(task.from === "training rows" ? "sample of them" : task.from, "c2", measured),
        chosenDot(chosen),
      ],
    },
  };
}

function forgettingCurve(
  { history, domains, chosen: { step } }: ForgettingReport,
  metric: Metric,
  x: Axis,
) {
  const unit = (shift: number) => inBudgetUnit(metric, shift);
  const shown = domains.flatMap((slice, i) => {
    if (slice.metric !== metric) return [];
    const points = history.map(({ step, shifts }): Point => {
      const { mean, se } = shifts[i]!;
      return [step, unit(mean), unit(mean + se) - unit(mean)];
    });
    return [{ ...slice, points, colour: colourOf(i) }];
  });
  const alone = domains.length === 1;
  const chosen = shown.map(({ control }): Point => [step, unit(control.shift)]);
  const limits = shown.map(({ name, budget, epsilon, colour }) => ({
    axis: "y" as const,
    at: unit(epsilon),
    label: alone ? `budget ${budget}` : `budget of ${name}`,
    colour: alone ? "ink" : colour,
  }));
  const all = [...shown.flatMap(({ points }) => points), ...chosen].map(([, y]) => y);
  return {
    title: "Forgetting",
    alt: `Forgetting on the control text over ${x.range[1]} updates, in ${unitOf(metric)}. ` +
      shown.map(({ name, budget, points, control }) =>
        `${name}: budget ${budget}, highest ${fixed(Math.max(...points.map(([, y]) => y)), 4)}, ` +
        `at the end ${fixed(points.at(-1)![1], 4)}, as chosen ${shiftText(metric, control.shift)}.`
      ).join(" "),
    note:
      "On the control text, by which the controller weighs the guard; bars are one standard error.",
    chart: {
      id: `chart-forgetting-${metric}`,
      x,
      y: {
        label: metric === "ppl" ? "rise of perplexity, %" : "divergence, nats a token",
        range: linearRange([0, ...all, ...limits.map(({ at }) => at)]),
      },
      limits,
      notes: [],
      series: [
        ...shown.map(({ name, colour, points }) =>
          curve(alone ? "forgetting" : name, colour, points, !alone)
        ),
        chosenDot(chosen),
      ],
    },
  };
}

function weightCurve(
  { domains }: ForgettingReport,
  metrics: readonly MetricsLine[],
  x: Axis,
): Figure[] {
  const alone = domains.length === 1;
  const series = domains.flatMap(({ name }, i) => {
    const points = pointsOf(metrics, alone ? "lambda" : `lambda.${name}`).filter(([, y]) => y > 0);
    return points.length > 0 ? [curve(alone ? "\u03bb" : name, colourOf(i), points, !alone)] : [];
  });
  if (series.length === 0) return [];
  return [{
    title: "Weight of the guard, \u03bb",
    alt: `The weight lambda of the guard's loss over ${x.range[1]} updates, log scale. ` +
      series.map(({ name, points }) =>
        `${name}: from ${fixed(points[0]![1], 3)} to ${fixed(points.at(-1)![1], 3)}.`
      ).join(" "),
    note: "Task loss + \u03bb \u00d7 divergence from the base is what was minimised.",
    chart: {
      id: "chart-weight",
      x,
      y: {
        label: "\u03bb, log scale",
        log: true,
        range: logRange(series.flatMap(({ points }) => points.map(([, y]) => y))),
      },
      limits: [],
      notes: [],
      series,
    },
  }];
}

const curve = (name: string, colour: string, points: readonly Point[], named = true) =>
  ({ name, colour, line: "solid", dots: "full", points, named }) as const;

const chosenDot = (points: readonly Point[]) =>
  ({ name: "chosen", colour: "ink", line: null, dots: "ring", points, named: true }) as const;

function pointsOf(metrics: readonly MetricsLine[], field: string): Point[] {
  return metrics.flatMap((line) => {
    const { step } = line;
    const value = line[field];
    return Number.isFinite(step) && Number.isFinite(value) ? [[step!, value!] as const] : [];
  });
}
