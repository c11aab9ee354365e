/**
 * An upper bound of the rise over a text that holds for every number of documents and every shape of
 * their rises: a test by betting (Waudby-Smith and Ramdas, 2024, arXiv 2010.09686; Shafer, 2021,
 * doi 10.1111/rssa.12647).
 *
 * What is bounded is sum over bands of max(0, E[D_b]) / E[N], D_b the nats of a band and N the tokens
 * of a document drawn like those at hand, where the D of a set of bands counts at most `limit` nats a
 * document (and gains at most as many). That it exceeds u means that for one set A of bands
 * E[D_A - u N] > 0, so it is refused where each set's hypothesis is (an intersection-union test: no
 * correction for the number of sets). For one set the wealth of who bets on the contrary,
 * prod (1 - stake (D_A - u N)), has a mean of at most 1 if the hypothesis holds, so it reaches
 * 1 / delta with a probability of at most delta (Markov). Stakes and limit are fixed by other
 * documents: the better they suit, the tighter the bound; it holds whatever they are.
 *
 * @module
 */
import { BANDS, grossOf, type Rise } from "../rises.ts";

/** Stakes beside the best of the other documents, as parts of it, and the money on each. */
const HEDGE = [[0.5, 1], [0.25, 0.5], [0.25, 2]] as const;

/** The part of all that one bet may lose. */
const MOST_LOSS = 0.99;

/** Halvings of the range of stakes. */
const HALVINGS = 10;

/** The headroom above the largest rise that other documents have shown. */
const HEADROOM = 1.25;

/** A limit is at least so many times what the budget allows a document of mean length. */
const LEAST_LIMIT = 3;

/** Sets of bands: each bit is a band. */
const SETS = Array.from({ length: 2 ** BANDS.length - 1 }, (_, i) => i + 1);

/** A set of bands, with what is staked on it. */
interface Bet {
  readonly set: number;
  /** What each part of the money stakes, in 1 / nats. */
  readonly stakes: readonly (readonly [money: number, stake: number])[];
}

/** What is fixed before the certificate's documents are looked at. */
export interface BetPlan {
  /** The most nats that a document counts. */
  readonly limit: number;
  readonly bets: readonly Bet[];
}

/** A document's nats in a set of bands, within the limit. */
function natsOf({ bands }: Rise, set: number, limit: number): number {
  let nats = 0;
  for (let band = 0; band < BANDS.length; band++) if (set & (1 << band)) nats += bands[band]!;
  return Math.max(-limit, Math.min(limit, nats));
}

/**
 * The rise of some documents as it is bounded: the largest of all sets of bands, a document up to the
 * limit, in nats a token.
 */
export function claimedRise(rises: readonly Rise[], limit: number): number {
  const tokens = rises.reduce((sum, rise) => sum + rise.tokens, 0);
  const of = (set: number) => rises.reduce((sum, rise) => sum + natsOf(rise, set, limit), 0);
  return Math.max(0, ...SETS.map(of)) / tokens;
}

const meanTokens = (rises: readonly { readonly tokens: number }[]): number =>
  rises.reduce((sum, { tokens }) => sum + tokens, 0) / rises.length;

/** A limit with the digits that are printed of it, so that the claim is of the one that counted. */
const printable = (limit: number): number => Number(limit.toPrecision(3));

/** The limit of documents of these lengths where none has risen. */
export const leastLimit = (
  others: readonly { readonly tokens: number }[],
  epsilon: number,
): number => printable(LEAST_LIMIT * epsilon * meanTokens(others));

/** A limit that other documents suggest, in nats a document. */
export const limitOf = (others: readonly Rise[], epsilon: number): number =>
  Math.max(leastLimit(others, epsilon), printable(HEADROOM * Math.max(...others.map(grossOf))));

/** Fixes the stakes by other documents than those of the test, to refuse a rise of `epsilon`. */
export function planBets(others: readonly Rise[], epsilon: number, limit: number): BetPlan {
  const bets = SETS.map((set): Bet => {
    const away = others.map((rise) => natsOf(rise, set, limit) - epsilon * rise.tokens);
    // The growth of wealth is concave in the stake: its slope falls, and is 0 where it grows most.
    const pays = (stake: number) => away.reduce((sum, x) => sum - x / (1 - stake * x), 0) > 0;
    let [low, high] = [0, MOST_LOSS / limit];
    for (let i = 0; i < HALVINGS; i++) {
      const middle = (low + high) / 2;
      if (pays(middle)) low = middle;
      else high = middle;
    }
    const centre = pays(MOST_LOSS / limit) ? MOST_LOSS / limit : (low + high) / 2;
    const stakes = HEDGE.map(([money, part]) =>
      [money, Math.min(MOST_LOSS / limit, part * centre)] as const
    );
    return { set, stakes };
  });
  return { limit, bets };
}

/** The logarithm of the wealth of one bet after documents, against a rise of u. */
function logWealth(nats: Float64Array, tokens: Float64Array, { stakes }: Bet, u: number): number {
  const logs = stakes.map(([money, stake]) => {
    let log = Math.log(money);
    for (let i = 0; i < nats.length; i++) log += Math.log1p(-stake * (nats[i]! - u * tokens[i]!));
    return log;
  });
  const most = Math.max(...logs);
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0));
}

/**
 * The upper bound at level 1 - delta of the rise that documents are drawn with, in nats a token.
 * Infinite for no documents.
 */
export function bettingBound(rises: readonly Rise[], plan: BetPlan, delta: number): number {
  if (rises.length === 0) return Infinity;
  const tokens = Float64Array.from(rises, (rise) => rise.tokens);
  const wanted = Math.log(1 / delta);
  let bound = 0;
  for (const bet of plan.bets) {
    const nats = Float64Array.from(rises, (rise) => natsOf(rise, bet.set, plan.limit));
    const isRefused = (u: number) => logWealth(nats, tokens, bet, u) >= wanted;
    if (isRefused(bound)) continue; // wealth grows with u: this set bounds it no worse
    let above = Math.max(2 * bound, 1e-6);
    while (!isRefused(above)) above *= 2;
    for (let i = 0, below = bound; i < 40; i++) {
      const middle = (below + above) / 2;
      if (isRefused(middle)) above = middle;
      else below = middle;
    }
    bound = above;
  }
  return bound;
}

/** Whether documents show at level delta that their rise is at most u: as the bound, for one u. */
export function keepsBudget(
  rises: readonly Rise[],
  { limit, bets }: BetPlan,
  u: number,
  delta: number,
): boolean {
  const tokens = Float64Array.from(rises, (rise) => rise.tokens);
  return bets.every((bet) => {
    const nats = Float64Array.from(rises, (rise) => natsOf(rise, bet.set, limit));
    return logWealth(nats, tokens, bet, u) >= Math.log(1 / delta);
  });
}

/**
 * How many documents a test needs to pass where nothing at all has risen, if further ones are as long
 * as those at hand: with fewer no result could pass.
 */
export function documentsNeeded(
  lengths: readonly { readonly tokens: number }[],
  epsilon: number,
  { delta, limit }: { readonly delta: number; readonly limit: number },
): number {
  const grown = HEDGE.map(([money, part]) => {
    const stake = Math.min(1, part) * MOST_LOSS / limit;
    const growth = lengths.reduce(
      (sum, { tokens }) => sum + Math.log1p(stake * epsilon * tokens),
      0,
    );
    return [money, growth / lengths.length] as const;
  });
  const wealth = (n: number) =>
    grown.reduce((sum, [money, growth]) => sum + money * Math.exp(n * growth), 0);
  let n = 1;
  while (wealth(n) < 1 / delta) n++;
  return n;
}

/**
 * The upper bound at level 1 - delta of a share of which `found` of `n` draws had it (Clopper and
 * Pearson, 1934).
 */
export function shareBound(found: number, n: number, delta: number): number {
  if (found >= n) return 1;
  let [below, above] = [found / n, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (below + above) / 2;
    if (binomialTail(found, n, middle) > delta) below = middle;
    else above = middle;
  }
  return above;
}

/** P(at most k of n) where each has probability p. */
function binomialTail(k: number, n: number, p: number): number {
  let term = Math.exp(n * Math.log1p(-p));
  let sum = term;
  for (let i = 1; i <= k; i++) {
    term *= (n - i + 1) / i * p / (1 - p);
    sum += term;
  }
  return sum;
}
