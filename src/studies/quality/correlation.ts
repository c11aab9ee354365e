/**
 * Rank correlation, and how likely as much of it is by chance.
 *
 * @module
 */
import { permutation } from "../../random.ts";

/** Orders that are drawn. */
const ORDERS = 2000;

/**
 * Spearman's rank correlation, equal values at the mean of their ranks.
 *
 * @returns 0 where one of both has no two different values; and the share of random orders, and of the
 * order itself, that correlate as much either way.
 */
export function rankCorrelation(
  xs: readonly number[],
  ys: readonly number[],
): { readonly rho: number; readonly p: number } {
  const [x, y] = [ranks(xs), ranks(ys)];
  const rho = correlation(x, y);
  let asMuch = 1;
  for (let draw = 0; draw < ORDERS; draw++) {
    const order = permutation(y.length, 0, draw);
    const found = correlation(x, Array.from(order, (i) => y[i]!));
    if (Math.abs(found) >= Math.abs(rho) - 1e-12) asMuch++;
  }
  return { rho, p: asMuch / (ORDERS + 1) };
}

function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

function correlation(xs: readonly number[], ys: readonly number[]): number {
  const centred = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  };
  const [x, y] = [centred(xs), centred(ys)];
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const size = Math.sqrt(dot(x, x) * dot(y, y));
  return size === 0 ? 0 : dot(x, y) / size;
}
