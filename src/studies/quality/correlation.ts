/**
 * Rank correlation, and how likely as much of it is by chance.
 *
 * @module
 */
import { permutation } from "../../random.ts";

/** Orders that are drawn. */
const ORDERS = 2000;

/** A correlation. */
export type Correlation = {
  readonly rho: number;
  /** The share of random orders, and of the order itself, that correlate as much either way. */
  readonly p: number;
};

/**
 * Spearman's rank correlation, equal values at the mean of their ranks.
 *
 * @param groups where given, ranks are those within a group, and so are the random orders.
 * @returns 0 where one of both has no two different values.
 */
export function rankCorrelation(
  xs: readonly number[],
  ys: readonly number[],
  groups: readonly unknown[] = xs.map(() => null),
): Correlation {
  const members = [...Map.groupBy(xs.keys(), (i) => groups[i]).values()];
  const ranked = (values: readonly number[]) =>
    members.flatMap((group) => centred(ranks(group.map((i) => values[i]!))));
  const [x, y] = [ranked(xs), ranked(ys)];
  const rho = correlation(x, y);
  let asMuch = 1;
  for (let draw = 0; draw < ORDERS; draw++) {
    if (Math.abs(correlation(x, shuffled(y, members, draw))) >= Math.abs(rho) - 1e-12) asMuch++;
  }
  return { rho, p: asMuch / (ORDERS + 1) };
}

/** In another order within each group. */
function shuffled(
  values: readonly number[],
  groups: readonly (readonly number[])[],
  draw: number,
): number[] {
  let begin = 0;
  return groups.flatMap(({ length }, group) => {
    const own = values.slice(begin, begin += length);
    return Array.from(permutation(length, 0, draw, group), (i) => own[i]!);
  });
}

function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

/** Of values whose mean is 0. */
function correlation(x: readonly number[], y: readonly number[]): number {
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const size = Math.sqrt(dot(x, x) * dot(y, y));
  return size === 0 ? 0 : dot(x, y) / size;
}
