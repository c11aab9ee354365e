/**
 * Ways to choose a few rows of many.
 *
 * @module
 */
import { judge, type RowText, steps, wholeText } from "../../curate/mod.ts";
import { words } from "../../curate/words.ts";
import { permutation } from "../../random.ts";
import type { Way } from "./spec.ts";

/** What rows are chosen by. */
export interface Chooser {
  readonly count: number;
  readonly seed: number;
  /** The difficulty of each row for the base; null where it could not be measured. */
  readonly difficulty: readonly (number | null)[];
}

/** Rows by the names of ways; fewer than asked for where a way finds no more. */
export async function chooseRows(
  rows: readonly RowText[],
  way: Way,
  { count, seed, difficulty }: Chooser,
): Promise<readonly RowText[]> {
  switch (way) {
    case "select":
      return await selected(rows, count);
    case "difficulty":
      return hardest(rows, difficulty, count);
    case "diversity":
      return covering(rows, count);
    case "random": {
      const order = permutation(rows.length, seed).subarray(0, count).sort();
      return Array.from(order, (i) => rows[i]!);
    }
  }
}

/** As `deno task data --select` without a model: its usual steps, and then the best that differ. */
async function selected(rows: readonly RowText[], count: number): Promise<RowText[]> {
  const usual = Object.entries(steps).filter(([, { byDefault }]) => byDefault).map(([name]) =>
    name
  );
  return [...await judge(rows, [...usual, "select"], { count })];
}

/** The most difficult of those below 1, where an instruction helps (Li et al. 2023, 2308.12032). */
function hardest(
  rows: readonly RowText[],
  difficulty: readonly (number | null)[],
  count: number,
): RowText[] {
  const order = [...rows.keys()].filter((i) => difficulty[i] !== null && difficulty[i]! < 1)
    .sort((a, b) => difficulty[b]! - difficulty[a]! || a - b);
  return order.slice(0, count).sort((a, b) => a - b).map((i) => rows[i]!);
}

/**
 * Greedy coverage of pairs of words: each row is the one that adds the most that no chosen one has,
 * and once none adds any, what is covered is forgotten (Lin and Bilmes 2011, coverage functions).
 */
function covering(rows: readonly RowText[], count: number): RowText[] {
  const pairs = rows.map((row) => {
    const all = words(wholeText(row));
    return [...new Set(all.slice(1).map((word, i) => `${all[i]} ${word}`))];
  });
  const left = new Set(rows.keys());
  const chosen: number[] = [];
  let covered = new Set<string>();
  // What a row adds only falls as more is covered, so a stale bound that is beaten stays beaten.
  let bounds = pairs.map(({ length }) => length);
  while (chosen.length < count && left.size > 0) {
    const best = nextOf(left, pairs, covered, bounds);
    if (bounds[best]! <= 0 && covered.size > 0) {
      covered = new Set();
      bounds = pairs.map(({ length }) => length);
      continue;
    }
    chosen.push(best);
    left.delete(best);
    for (const pair of pairs[best]!) covered.add(pair);
  }
  return chosen.sort((a, b) => a - b).map((i) => rows[i]!);
}

/** The row that adds the most; `bounds` of those that were looked at become exact. */
function nextOf(
  left: ReadonlySet<number>,
  pairs: readonly (readonly string[])[],
  covered: ReadonlySet<string>,
  bounds: number[],
): number {
  let best = -1;
  for (const i of left) {
    if (best >= 0 && bounds[i]! <= bounds[best]!) continue;
    bounds[i] = pairs[i]!.filter((pair) => !covered.has(pair)).length;
    if (best < 0 || bounds[i]! > bounds[best]!) best = i;
  }
  return best;
}
