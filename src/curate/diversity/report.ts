/**
 * How different the rows of a set are.
 *
 * @module
 */
import { permutation } from "../../random.ts";
import { askedText, type RowText } from "../row.ts";
import { firstsOfSame } from "../lists/buckets.ts";
import { type List, mapped, selected } from "../lists/list.ts";
import { ngrams, words } from "../words.ts";
import { DistinctCounter } from "./distinct.ts";
import { type Bag, bagOf, nearest } from "./rouge.ts";
import { verbObject } from "./verbs.ts";

/** Something and how often it occurs. */
export type Count = readonly [what: string, count: number];

/** What a set of rows comes to. */
export interface Diversity {
  readonly rows: number;
  /** Rows of each file, most first. */
  readonly files: readonly Count[];
  /** DistinctCounter instructions, and the commonest. */
  readonly instructions: number;
  readonly top_instructions: readonly Count[];
  /** DistinctCounter verbs with their objects, and the commonest; rows where no verb was found. */
  readonly verb_objects: number;
  readonly top_verb_objects: readonly Count[];
  readonly without_verb: number;
  /** DistinctCounter n-grams over all n-grams of the answers, n from 1 to 4 (Li et al. 2016, 1510.03055). */
  readonly distinct: readonly number[];
  /**
   * Rows by the ROUGE-L of what they ask with the nearest other row, in tenths: the last holds 0.9 to
   * 1. Self-Instruct (2212.10560) draws it, and kept nothing above 0.7.
   */
  readonly nearest_rouge_l: readonly number[];
  /** How many rows that is a sample of: each of them is compared with all others of `sample`. */
  readonly nearest_sample: number;
  /** How many rows all figures but `rows` and `files` are of: all, or as many drawn of more. */
  readonly sample: number;
}

const TOP = 15;
const NEAREST_SAMPLE = 500;
const SAMPLE = 50_000;
const BINS = 10;

/**
 * Reports on rows. Of more than 50,000 rows so many, drawn by a fixed seed, stand for all, since most
 * figures depend on how many rows they are of. 500 of them are compared with the others.
 */
export function diversity(all: List<RowText>, most = SAMPLE): Diversity {
  const rows = sampled(all, most);
  const found = [...mapped(rows, ({ instruction }) => verbObject(instruction))]
    .filter((verb) => verb !== null);
  const verbs = counted(found.map(({ verb, object }) => `${verb} ${object}`.trim()));
  const instructions = mapped(rows, ({ instruction }) => instruction);
  const asked = counted(firstsOfSame(instructions).filter((i) => instructions.at(i) !== ""));
  return {
    rows: all.length,
    files: counted(mapped(all, ({ origin }) => origin.replace(/(:\d+| \().*$/, ""))),
    instructions: asked.length,
    top_instructions: asked.slice(0, TOP).map(([i, count]) => [instructions.at(i)!, count]),
    verb_objects: verbs.length,
    top_verb_objects: verbs.slice(0, TOP),
    without_verb: rows.length - found.length,
    distinct: [1, 2, 3, 4].map((n) => distinct(mapped(rows, ({ answer }) => words(answer)), n)),
    nearest_rouge_l: nearestHistogram(mapped(rows, (row) => bagOf(words(askedText(row))))),
    nearest_sample: Math.min(NEAREST_SAMPLE, rows.length),
    sample: rows.length,
  };
}

/** A list, or so many of its items in their order. */
function sampled<T>(list: List<T>, count: number): List<T> {
  if (list.length <= count) return list;
  return selected(list, permutation(list.length, 0).slice(0, count).sort());
}

/** DistinctCounter n-grams over all n-grams; 0 where there is none. */
export function distinct(texts: Iterable<readonly string[]>, n: number): number {
  const different = new DistinctCounter();
  let all = 0;
  for (const text of texts) {
    if (text.length < n) continue;
    const runs = ngrams(text, n);
    all += runs.length;
    for (const run of runs) different.add(run);
  }
  return all === 0 ? 0 : different.count() / all;
}

function nearestHistogram(bags: List<Bag>): number[] {
  const chosen = permutation(bags.length, 0).subarray(0, NEAREST_SAMPLE);
  const own = Array.from(chosen, (i) => bags.at(i)!);
  const scores = own.map(() => 0);
  let j = 0;
  for (const bag of bags) {
    for (const [k, i] of chosen.entries()) {
      if (i !== j) scores[k] = nearest(own[k]!, [bag], scores[k]);
    }
    j++;
  }
  const bins = Array<number>(BINS).fill(0);
  for (const score of scores) bins[Math.min(BINS - 1, Math.floor(score * BINS + 1e-9))]!++;
  return bins;
}

function counted<T>(items: Iterable<T>): [what: T, count: number][] {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
