/**
 * The picture of the task against forgetting, and the points in it.
 *
 * @module
 */
import type { ForgettingReport, TaskReport } from "../report/format.ts";
import { type Figure, linearRange, logRange, type Note, type Point } from "../../report/chart.ts";
import { type Html, markup, table } from "../../report/html.ts";
import { fixed } from "../../report/numbers.ts";
import { inBudgetUnit, shiftText, strengthText, unitOf } from "./units.ts";

/** Forgetting that is shown, in budgets. */
const SHOWN = 3;

/** How many times the least loss the largest is where an axis becomes logarithmic. */
const LOG_FROM = 3;

type Shifts = readonly { readonly mean: number }[];

/** Where on the axis of forgetting a point is. */
function axisOf({ domains }: ForgettingReport) {
  const [first, second] = domains;
  if (first && !second) {
    const { metric, epsilon, budget } = first;
    return {
      at: ([shift]: Shifts) => inBudgetUnit(metric, shift!.mean),
      limit: inBudgetUnit(metric, epsilon),
      label: `forgetting on the control text, ${unitOf(metric)}`,
      budget: `budget ${budget}`,
    };
  }
  return {
    at: (shifts: Shifts) =>
      100 * Math.max(...shifts.map(({ mean }, i) => mean / domains[i]!.epsilon)),
    limit: 100,
    label: "forgetting on the control text, % of the budget, worst domain",
    budget: "budget",
  };
}

const named = (step: number, strength: number) =>
  strength > 0 ? `step ${step} at ${strengthText(strength)}` : "the base";

/** The picture; none where there is no task to compare by. */
export function tradeoff(report: ForgettingReport): Figure[] {
  return report.task ? [pictureOf(report, report.task)] : [];
}

function pictureOf(report: ForgettingReport, task: TaskReport): Figure {
  const { history, points, chosen: { step, strength }, domains } = report;
  const { at, limit, label, budget } = axisOf(report);
  const run = history.map(({ step, task_loss, shifts }): Point => [
    at(shifts),
    task_loss,
    null,
    `step ${step}`,
  ]);
  const tried = points.flatMap(({ step, strength, shifts, task }): Point[] =>
    task === null ? [] : [[at(shifts), task, null, named(step, strength)]]
  );
  const chosen: Point = [
    at(domains.map(({ control: { shift: mean } }) => ({ mean }))),
    task.tuned_loss,
    null,
    `chosen: ${named(step, strength)}`,
  ];
  const all = [...run, ...tried, chosen];
  const most = SHOWN * limit;
  const outside = run.filter(([x]) => x > most).map(([, , , label]) => label);
  const losses = all.filter(([x]) => x <= most).map(([, y]) => y);
  const unmeasured = points.length - tried.length;
  const log = Math.max(...losses) > LOG_FROM * Math.min(...losses) && Math.min(...losses) > 0;
  const [low, high] = linearRange([0, limit, ...all.map(([x]) => x)]);
  return {
    title: "Task loss against forgetting",
    alt: `Task loss against ${label}. Chosen: ${fixed(chosen[0], 4)} at a task loss of ` +
      `${fixed(chosen[1], 4)}, ${budget} at ${
        fixed(limit, 4)
      }. Every point is in the tables below.`,
    note: markup`<span class="muted">\u25cf</span> the run, step by step;
<span class="c2">\u25cb</span> strengths tried; <span class="c1">\u25ef</span> what is chosen.
Lower is better at the task, left is closer to the base.${
      outside.length > 0 ? ` Beyond the right edge: ${outside.join(", ")}.` : ""
    }${
      unmeasured > 0 ? ` Tried over the budget, so not measured on the task: ${unmeasured}.` : ""
    }`,
    chart: {
      id: "chart-tradeoff",
      x: { label, range: [low, Math.min(high, most)] },
      y: {
        label: `task loss, ${task.unit}${log ? ", log scale" : ""}`,
        log,
        range: log ? logRange(losses) : linearRange(losses),
      },
      limits: [{ axis: "x", at: limit, label: budget, colour: "ink" }],
      notes: notesOf(run, tried, chosen, step),
      series: [
        { name: "the run", colour: "muted", line: "thin", dots: "full", points: run, named: false },
        { name: "tried", colour: "c2", line: null, dots: "open", points: tried, named: false },
        { name: "chosen", colour: "c1", line: null, dots: "ring", points: [chosen], named: false },
      ],
    },
  };
}

/** Names the ends of the run, the strengths that were tried, and what is chosen, of its step. */
function notesOf(
  run: readonly Point[],
  tried: readonly Point[],
  chosen: Point,
  step: number,
): Note[] {
  const inShort = ([, , , text]: Point) => text!.replace(`step ${step} at `, "");
  const note = ([x, y]: Point, text: string, colour: string, side: Note["side"]): Note => ({
    ...{ x, y, text, colour, side },
  });
  const [first, last] = [run[0], run.at(-1)];
  return [
    note(chosen, inShort(chosen), "c1", "above"),
    ...(first ? [note(first, first[3]!, "muted", "above")] : []),
    ...(last && last !== first ? [note(last, last[3]!, "muted", "below")] : []),
    ...tried.map((point) => note(point, inShort(point), "c2", "below")),
  ];
}

/** The measurements of the run. */
export function historyTable({ history, domains }: ForgettingReport): Html {
  const named = (what: string, name: string) => domains.length > 1 ? `${what}, ${name}` : what;
  return table(
    "Measurements during the run",
    [
      "Updates",
      "Task loss",
      ...domains.map(({ name }) => named("Forgetting", name)),
      ...domains.map(({ name }) => named("\u03bb", name)),
    ],
    history.map(({ step, task_loss, shifts, lambdas }) => [
      step,
      fixed(task_loss, 4),
      ...shifts.map(({ mean }, i) => shiftText(domains[i]!.metric, mean)),
      ...lambdas.map((lambda) => fixed(lambda, 3)),
    ]),
  );
}

/** The strengths that were tried. */
export function pointsTable({ points, domains }: ForgettingReport): Html {
  const named = (name: string) => domains.length > 1 ? `Forgetting, ${name}` : "Forgetting";
  return table(
    "Strengths that were tried on the control text",
    [
      "Step",
      "Strength",
      ...domains.map(({ name }) => named(name)),
      "Task loss",
    ],
    points.map(({ step, strength, shifts, task }) => [
      step,
      strengthText(strength),
      ...shifts.map(({ mean }, i) => shiftText(domains[i]!.metric, mean)),
      task === null ? "over budget, not measured" : fixed(task, 4),
    ]),
  );
}
