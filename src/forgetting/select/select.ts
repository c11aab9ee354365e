/**
 * Selection: which moment of the run is chosen, and at which strength.
 *
 * @module
 */
import { within } from "../../progress.ts";
import type { Metric } from "../../objectives/objective.ts";
import type { Measured } from "../control/snapshots.ts";
import { STRENGTHS } from "./strength.ts";

/** The part of a budget that a choice may spend on the control text. */
export const USABLE = 0.95;

/** Strengths below the best which are still compared with it. */
const BELOW = 2;

/** A moment of a run, or an adapter from elsewhere. */
export interface Candidate {
  /** Updates done by then. */
  readonly step: number;
  /** The largest part of a budget that it spends at strength 1. */
  readonly spent: number;
}

/** A candidate at a strength. */
export interface Point {
  readonly step: number;
  readonly strength: number;
  /** Of each domain, on the control text. */
  readonly shifts: readonly Measured[];
  /** Loss on the task's sample; null where the budget is not kept, so that nobody asked. */
  readonly task: number | null;
  /** Of the metric that points are compared by; absent where there is none, or nobody asked. */
  readonly value?: number;
}

/** How candidates are measured. */
export interface Measures {
  shifts(step: number, strength: number): Promise<readonly Measured[]>;
  task(step: number, strength: number): Promise<number>;
  /** What points are compared by in place of the task's loss. */
  readonly metric?: {
    readonly better: Metric["better"];
    value(step: number, strength: number): Promise<number>;
  };
}

/** A candidate by what it is compared by. */
export type Worth = Pick<Point, "task" | "value">;

/** What was measured, and the best of it; null where the base itself is best within the budget. */
export interface Selection {
  readonly points: readonly Point[];
  readonly chosen: Point | null;
}

/** Measures what was measured before only once; the base, at strength 0, whatever the candidate. */
export function remembered({ shifts, task, metric }: Measures): Measures {
  const memory = new Map<string, Promise<unknown>>();
  const once = <T>(kind: string, measure: (step: number, strength: number) => Promise<T>) => {
    return (step: number, strength: number) => {
      const key = `${kind} ${strength === 0 ? "base" : step} ${strength}`;
      return memory.getOrInsertComputed(key, () => measure(step, strength)) as Promise<T>;
    };
  };
  return {
    ...(metric && { metric: { better: metric.better, value: once("metric", metric.value) } }),
    shifts: once("shifts", shifts),
    task: once("task", task),
  };
}

/**
 * Tries candidates at strengths and takes the least task loss within 0.95 of every budget, if it is
 * less than that of the base; or the best value of a metric, among equal ones the least loss.
 * Forgetting grows about with the square of the strength, which tells where to begin; nothing is taken
 * for monotonic: of every candidate the strongest within the budgets is measured, and two weaker ones
 * of the candidate that is best by its loss, or of all where a metric decides, which may turn anywhere.
 *
 * @param strengths that a candidate has, ascending, the last one 1.
 */
export async function select(
  candidates: readonly Candidate[],
  epsilons: readonly number[],
  measures: Measures,
  base: Worth,
  strengths: readonly number[] = STRENGTHS,
): Promise<Selection> {
  const points: Point[] = [];
  for (const [i, candidate] of candidates.entries()) {
    const attempt = () => strongestKept(candidate, epsilons, measures, strengths);
    points.push(...await within(`selecting, moment ${i + 1} of ${candidates.length}`, attempt));
  }
  const isBetter = betterBy(measures.metric?.better ?? null);
  const ofStep = (at: number) => points.filter(({ step }) => step === at);
  const centres = measures.metric
    ? candidates.map(({ step }) => bestOf(ofStep(step), isBetter))
    : [bestOf(points, isBetter)];
  for (const { step, strength } of centres.filter((centre) => centre !== null)) {
    const tried = new Set(ofStep(step).map((point) => point.strength));
    for (const weaker of weakerThan(strength, strengths).filter((weaker) => !tried.has(weaker))) {
      points.push(await measurePoint(step, weaker, epsilons, measures));
    }
  }
  const chosen = bestOf(points, isBetter);
  return { points, chosen: chosen && isBetter(chosen, base) ? chosen : null };
}

/** The best point within the budgets; of equal ones the first. */
const bestOf = (points: readonly Point[], isBetter: (a: Worth, b: Worth) => boolean) =>
  points.filter(({ task }) => task !== null)
    .reduce<Point | null>((best, point) => best && !isBetter(point, best) ? best : point, null);

/** The strengths next to a strength that are still compared with it. */
function weakerThan(strength: number, strengths: readonly number[]): number[] {
  const at = strengths.indexOf(strength);
  return strengths.slice(Math.max(0, at - BELOW), at).reverse();
}

/** Whether one is better than another, by a metric or by the task's loss alone. */
function betterBy(better: Metric["better"] | null): (a: Worth, b: Worth) => boolean {
  const costOf = ({ value = NaN }: Worth) => better === "lower" ? value : -value;
  return (a, b) => {
    if (better === null || costOf(a) === costOf(b)) return a.task! < b.task!;
    return costOf(a) < costOf(b) || (Number.isNaN(costOf(b)) && !Number.isNaN(costOf(a)));
  };
}

/** What a candidate at a strength is compared by. */
export async function worthOf(
  { task, metric }: Measures,
  step: number,
  strength: number,
): Promise<Worth> {
  const loss = await task(step, strength);
  return metric ? { task: loss, value: await metric.value(step, strength) } : { task: loss };
}

/** Points of one candidate up or down to the strongest that keeps the budgets. */
async function strongestKept(
  { step, spent }: Candidate,
  epsilons: readonly number[],
  measures: Measures,
  strengths: readonly number[],
): Promise<Point[]> {
  const points: Point[] = [];
  const keeps = async (at: number): Promise<boolean> => {
    const point = await measurePoint(step, strengths[at]!, epsilons, measures);
    points.push(point);
    return point.task !== null;
  };
  const guess = spent > 0 ? Math.min(1, Math.sqrt(USABLE / spent)) : 1;
  let at = strengths.findIndex((strength) => strength >= Math.min(1, 1.2 * guess));
  if (await keeps(at)) {
    while (at + 1 < strengths.length && await keeps(at + 1)) at++;
  } else {
    do at--; while (at >= 0 && !(await keeps(at)));
  }
  return points;
}

async function measurePoint(
  step: number,
  strength: number,
  epsilons: readonly number[],
  measures: Measures,
): Promise<Point> {
  const shifts = await measures.shifts(step, strength);
  const fits = shifts.every(({ mean }, i) => mean <= USABLE * epsilons[i]!);
  return {
    step,
    strength,
    shifts,
    ...fits ? await worthOf(measures, step, strength) : { task: null },
  };
}
