/**
 * The numbers of a run as curves of a page, however long it was.
 *
 * @module
 */
import type { Fields } from "../runs/events.ts";
import type { RunEvents } from "../runs/history/history.ts";

/** Numbers by the updates done before them; null where one was not told. */
export interface Curves {
  /** Updates done, ascending. */
  readonly steps: readonly number[];
  /** By the name of a field, as many as steps. */
  readonly fields: Readonly<Record<string, readonly (number | null)[]>>;
}

/** More points than a screen is wide show nothing more. */
const MOST_POINTS = 1200;

/** What is a number of an update but no curve. */
const PLAIN: readonly string[] = ["step"];

/**
 * The curves of a run. Of more than `most` steps neighbours are put together, each the mean of what
 * was told among them, at the last of their steps.
 */
export function curvesOf(
  { updates, measures }: Pick<RunEvents, "updates" | "measures">,
  most = MOST_POINTS,
): Curves {
  const rows = new Map<number, Fields>();
  for (const { step, ...fields } of updates) rows.set(step, fields as Fields);
  for (const { step, values } of measures) rows.set(step, { ...rows.get(step), ...values });
  const steps = [...rows.keys()].sort((a, b) => a - b);
  const names = new Set(rows.values().flatMap((fields) => Object.keys(fields)));
  for (const name of PLAIN) names.delete(name);
  const each = Math.ceil(steps.length / most);
  const groups = Array.from(
    { length: Math.ceil(steps.length / each) || 0 },
    (_, i) => steps.slice(i * each, (i + 1) * each),
  );
  const numbersOf = (name: string) =>
    groups.map((group) => meanOf(group.map((step) => rows.get(step)![name])));
  return {
    steps: groups.map((group) => group.at(-1)!),
    fields: Object.fromEntries([...names].map((name) => [name, numbersOf(name)])),
  };
}

function meanOf(values: readonly (number | undefined)[]): number | null {
  const told = values.filter((value) => value !== undefined && Number.isFinite(value)) as number[];
  return told.length === 0 ? null : told.reduce((sum, value) => sum + value, 0) / told.length;
}
