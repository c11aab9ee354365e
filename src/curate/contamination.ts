/**
 * Contamination: rows that hold parts of what a model will be tested on.
 *
 * @module
 */
import type { Reason } from "./filters.ts";
import { type List, mapped } from "./lists/list.ts";
import { askedText, type RowText, wholeText } from "./row.ts";
import { ngrams, words } from "./words.ts";

const LONG = 13;
const SHORT = 8;
/** The least share of a test's 8-grams that makes a row hold it. */
const COVERAGE = 0.7;
/** What stands in more tests, or in more rows, than this is boilerplate. */
const COMMON = 10;

/**
 * Drops rows that share 13 words in a row with a test (Brown et al. 2020, 2005.14165, appendix C), or
 * hold at least 70 % of the 8-grams of what it asks (Chowdhery et al. 2022, 2204.02311, section 8),
 * which finds short questions; one of fewer words must be all that the row asks. N-grams that stand
 * in more than 10 rows or 10 tests do not count, as in EleutherAI's lm-evaluation-harness: they are
 * instructions that many have in common.
 */
export function contaminated(rows: List<RowText>, tests: readonly RowText[]): Iterable<Reason> {
  const longRuns = (row: RowText) => runs(words(wholeText(row)), LONG);
  const shortRuns = (row: RowText) => ngrams(words(askedText(row)), SHORT);
  const heldRuns = (row: RowText) => [...runs(words(wholeText(row)), SHORT), ...shortRuns(row)];
  const long = telling(holdersOf(tests, longRuns), rows, longRuns);
  const short = telling(holdersOf(tests, shortRuns), rows, heldRuns);
  const sizes = new Map<number, number>();
  for (const holders of short.values()) for (const test of holders) add(sizes, test);
  return mapped(rows, (row) => {
    const shared = longRuns(row).find((run) => long.has(run));
    if (shared !== undefined) {
      return `shares "${shared}" with ${tests[long.get(shared)![0]!]!.origin}`;
    }
    const held = new Map<number, number>();
    for (const run of new Set(heldRuns(row))) {
      for (const test of short.get(run) ?? []) add(held, test);
    }
    for (const [test, count] of held) {
      const share = count / sizes.get(test)!;
      if (share < COVERAGE) continue;
      return `holds ${(100 * share).toFixed(0)} % of what ${tests[test]!.origin} asks`;
    }
    return null;
  });
}

/** Runs of just n words. */
const runs = (words: readonly string[], n: number) => words.length < n ? [] : ngrams(words, n);

/** The tests that have each n-gram. */
function holdersOf(
  tests: readonly RowText[],
  runsOf: (test: RowText) => readonly string[],
): Map<string, number[]> {
  const holders = new Map<string, number[]>();
  for (const [i, test] of tests.entries()) {
    for (const run of new Set(runsOf(test))) holders.getOrInsertComputed(run, () => []).push(i);
  }
  return holders;
}

/** Those n-grams that neither many tests nor many rows have. */
function telling(
  holders: Map<string, number[]>,
  rows: List<RowText>,
  runsOf: (row: RowText) => readonly string[],
): Map<string, number[]> {
  const inRows = new Map<string, number>();
  for (const row of rows) {
    for (const run of new Set(runsOf(row))) if (holders.has(run)) add(inRows, run);
  }
  return new Map(
    holders.entries().filter(([run, tests]) =>
      tests.length <= COMMON && (inRows.get(run) ?? 0) <= COMMON
    ),
  );
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
