/**
 * How different the rows of a set are.
 *
 * @module
 */
import { permutation } from "../../../random.ts";
import { askedText, type RowText } from "../row.ts";
import { ngrams, words } from "../words.ts";
import { bagOf, nearest } from "./rouge.ts";
import { verbObject } from "./verbs.ts";

/** Something and how often it occurs. */
export type Count = readonly [what: string, count: number];

/** What a set of rows comes to. */
export interface Diversity {
  readonly rows: number;
  /** Rows of each file, most first. */
  readonly files: readonly Count[];
  /** Different instructions, and the commonest. */
  readonly instructions: number;
  readonly top_instructions: readonly Count[];
  /** Different verbs with their objects, and the commonest; rows where no verb was found. */
  readonly verb_objects: number;
  readonly top_verb_objects: readonly Count[];
  readonly without_verb: number;
  /** Different n-grams over all n-grams of the answers, n from 1 to 4 (Li et al. 2016, 1510.03055). */
  readonly distinct: readonly number[];
  /**
   * Rows by the ROUGE-L of what they ask with the nearest other row, in tenths: the last holds 0.9 to
   * 1. Self-Instruct (2212.10560) draws it, and kept nothing above 0.7.
   */
  readonly nearest_rouge_l: readonly number[];
  /** How many rows that is a sample of: each of them is compared with all. */
  readonly nearest_sample: number;
}

const TOP = 15;
const SAMPLE = 500;
const BINS = 10;

/** Reports on rows; at most 500 of them, drawn by a fixed seed, are compared with all the others. */
export function diversity(rows: readonly RowText[]): Diversity {
  const found = rows.map(({ instruction }) => verbObject(instruction)).filter((v) => v !== null);
  const instructions = rows.map(({ instruction }) => instruction).filter((text) => text !== "");
  const verbs = counted(found.map(({ verb, object }) => `${verb} ${object}`.trim()));
  const common = counted(instructions);
  const histogram = nearestHistogram(rows);
  return {
    rows: rows.length,
    files: counted(rows.map(({ origin }) => origin.replace(/(:\d+| \().*$/, ""))),
    instructions: common.length,
    top_instructions: common.slice(0, TOP),
    verb_objects: verbs.length,
    top_verb_objects: verbs.slice(0, TOP),
    without_verb: rows.length - found.length,
    distinct: [1, 2, 3, 4].map((n) => distinct(rows.map(({ answer }) => words(answer)), n)),
    nearest_rouge_l: histogram,
    nearest_sample: Math.min(SAMPLE, rows.length),
  };
}

/** Different n-grams over all n-grams; 0 where there is none. */
export function distinct(texts: readonly (readonly string[])[], n: number): number {
  const different = new Set<string>();
  let all = 0;
  for (const text of texts) {
    if (text.length < n) continue;
    const runs = ngrams(text, n);
    all += runs.length;
    for (const run of runs) different.add(run);
  }
  return all === 0 ? 0 : different.size / all;
}

function nearestHistogram(rows: readonly RowText[]): number[] {
  const bags = rows.map((row) => bagOf(words(askedText(row))));
  const bins = Array<number>(BINS).fill(0);
  for (const i of permutation(rows.length, 0).subarray(0, SAMPLE)) {
    const score = nearest(bags[i]!, bags.values().filter((_, j) => j !== i));
    bins[Math.min(BINS - 1, Math.floor(score * BINS + 1e-9))]!++;
  }
  return bins;
}

function counted(items: readonly string[]): Count[] {
  return [...Map.groupBy(items, (item) => item)]
    .map(([item, all]): Count => [item, all.length])
    .sort((a, b) => b[1] - a[1]);
}
