/**
 * Whether a strict certificate, in which documents count whole, lets a planted violation through, at
 * the number of documents that it asks for; and what trying again on the same documents does.
 *
 * @module
 */
import type { Rise } from "../../forgetting/rises.ts";
import { documentsNeeded, keepsBudget, planBets } from "../../forgetting/select/betting.ts";
import { strictLimit } from "../../forgetting/select/certify.ts";
import { levelAfter } from "../../forgetting/select/spending.ts";
import { random } from "../../random.ts";
import { heed } from "../../stop.ts";
import { documents, HIDDEN, scaleOf, type Shape, SHAPES } from "./populations.ts";

/** One row of the study: shares of the tries, at full strength. */
export interface PlantedRow {
  readonly shape: string;
  /** Documents that were asked for in advance, on the average. */
  readonly documents: number;
  /** How often a rise a thousandth above the budget was certified at the first attempt. */
  readonly certified: number;
  /** How often a base that forgot nothing was certified. */
  readonly passed_nothing: number;
  /**
   * How often one of five attempts was certified, each another adapter a thousandth above the budget
   * whose rises have nothing to do with those of the one before: with the attempts counted, and with
   * each tested as if it were the only one.
   */
  readonly certified_counted: number;
  readonly certified_uncounted: number;
}

/** What is tried. */
export interface PlantedStudy {
  readonly tries: number;
  readonly delta: number;
  readonly epsilon: number;
  readonly population: number;
  readonly onRow?: (row: PlantedRow) => void;
}

/** Control documents, and attempts on the same documents. */
const [CONTROL, ATTEMPTS] = [64, 5];

/** Runs the study over all shapes and the one that hides what is forgotten. */
export function studyPlanted(study: PlantedStudy): PlantedRow[] {
  return Object.entries({ ...SHAPES, "few of the longest rise by a nat a token": HIDDEN })
    .map(([name, shape]) => {
      const row = studyShape(name, shape, study);
      study.onRow?.(row);
      return row;
    });
}

function studyShape(name: string, shape: Shape, study: PlantedStudy): PlantedRow {
  const { tries, epsilon, population: count } = study;
  const above = documents(shape, scaleOf(shape, 1.001 * epsilon, count), count, 1);
  const found = Array.from({ length: tries }, (_, t) => {
    heed();
    return tryOnce(t, above, study);
  });
  const share = (of: (one: typeof found[number]) => boolean) => found.filter(of).length / tries;
  return {
    shape: name,
    documents: found.reduce((sum, { size }) => sum + size, 0) / tries,
    certified: share(({ first }) => first),
    passed_nothing: share(({ none }) => none),
    certified_counted: share(({ counted }) => counted),
    certified_uncounted: share(({ uncounted }) => uncounted),
  };
}

/** Whether each of the tests passes on documents that are drawn for this try. */
function tryOnce(
  t: number,
  above: readonly Rise[],
  study: PlantedStudy,
) {
  const { delta, epsilon } = study;
  const draw = (from: readonly Rise[], size: number, part: number) =>
    Array.from({ length: size }, (_, i) => from[Math.floor(random(t, part, i) * from.length)]!);
  const size = asked((size) => draw(above, size, 2), draw(above, CONTROL, 1), study);
  const passes = (level: number, { part = 2, as = same } = {}) => {
    const control = as(draw(above, CONTROL, part - 1));
    const plan = planBets(control, epsilon, strictLimit(control));
    return keepsBudget(as(draw(above, size, part)), plan, epsilon, level);
  };
  const level = levelAfter(0, delta);
  const attempts = Array.from({ length: ATTEMPTS }, (_, k) => ({ part: 2 * k + 2 }));
  return {
    size,
    first: passes(level),
    none: passes(level, { as: nothing }),
    counted: attempts.some((attempt, k) => passes(levelAfter(k, delta), attempt)),
    uncounted: attempts.some((attempt) => passes(delta, attempt)),
  };
}

const same = (rises: readonly Rise[]): readonly Rise[] => rises;

/** The same documents where nothing has risen. */
const nothing = (rises: readonly Rise[]): readonly Rise[] =>
  rises.map(({ tokens, bands }) => ({ tokens, bands: bands.map(() => 0) }));

/** How many documents are asked for, by the lengths of those at hand, until there are as many. */
function asked(
  draw: (size: number) => readonly Rise[],
  control: readonly Rise[],
  { delta, epsilon }: PlantedStudy,
): number {
  const limits = { delta: levelAfter(0, delta), limit: strictLimit(control) };
  let size = CONTROL;
  for (;;) {
    const needed = documentsNeeded(draw(size), epsilon, limits);
    if (needed <= size) return size;
    size = needed;
  }
}
