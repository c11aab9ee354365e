/**
 * Filters that judge a row by its own texts. Each gives a row's reason to be dropped, or null.
 *
 * @module
 */
import type { List } from "./lists/list.ts";
import { ngrams, words } from "./words.ts";
import { type RowText, wholeText } from "./row.ts";

/** Why a row is dropped, or null where it is kept. */
export type Reason = string | null;

/** Drops rows with nothing to learn. */
export const emptyAnswer = ({ empty }: RowText): Reason => empty === null ? null : `found ${empty}`;

/** Drops answers that are what was asked, or what it was asked of, to the letter. */
export function echo({ instruction, input, answer }: RowText): Reason {
  const said = answer.trim();
  if (said === "") return null;
  if (said === input.trim()) return "the answer repeats the input";
  return said === instruction.trim() ? "the answer repeats the instruction" : null;
}

/** Beginnings of answers that decline, and what models say of themselves when they do. */
const REFUSALS: readonly RegExp[] = [
  /^\W*(i['’]?m|i am) (really |very )?(sorry|afraid),? (but )?(i|that|as|this|it)\b/,
  /^\W*(i['’]?m|i am) (really |very )?sorry for [^.!?,]{1,40}, but (i|as|that|this|it)\b/,
  /^\W*(sorry|apologies|unfortunately),? (but )?(i|as an ai)\b/,
  /^\W*i (apologi[sz]e|regret)\b/,
  /^\W*i (can['’]?t|cannot|can not|won['’]?t|will not|am unable to|am not able to) /,
  /^\W*i['’]m (unable|not able) to\b/,
  /\bas an? (ai|artificial intelligence|large language|language)( language)?( model| assistant)?\b/,
  /\bi (can['’]?t|cannot|am unable to|am not able to) (assist|help|comply|fulfil|fulfill|provide)\b/,
  /\b(against|violates?) (my|openai['’]?s?) (programming|guidelines|polic(y|ies)|content policy)\b/,
];

/** How far into an answer a refusal is looked for. */
const REFUSAL_WITHIN = 300;

/**
 * What an answer declines with, near its beginning; null where it does not. Told by phrases of
 * English: the kind of list by which "unfiltered" instruction sets were made
 * (ehartford/wizard_vicuna_70k_unfiltered).
 */
export function declines(answer: string): string | null {
  const begin = answer.slice(0, REFUSAL_WITHIN).toLowerCase();
  const found = REFUSALS.map((pattern) => pattern.exec(begin)).find((match) => match !== null);
  return found?.[0].trim() ?? null;
}

/** Drops answers that decline. */
export function refusal({ answer }: RowText): Reason {
  const words = declines(answer);
  return words === null ? null : `the answer declines: ${JSON.stringify(words)}`;
}

/** What counts as repetition. */
export interface RepetitionLimits {
  /** The most of an answer's 4-grams that may be one and the same. */
  readonly topShare: number;
  /** The least of its words, 100 at a time, that must be different. */
  readonly uniqueShare: number;
}

/** Shorter answers are not judged: a refrain is a large part of them. */
const REPETITION_FROM = 20;
const WINDOW = 100;

/**
 * Drops answers that go round in circles: one 4-gram of words makes up too much (a limit on the
 * share of the top n-gram is one of Gopher's, Rae et al. 2021, 2112.11446, table A1), or too few of
 * the words are different (a mean over windows of 100, for the share falls with the length).
 */
export function repetition({ answer }: RowText, limits: RepetitionLimits): Reason {
  const all = words(answer);
  if (all.length < REPETITION_FROM) return null;
  const [most, share] = topRun(all, limits.topShare);
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  if (share > limits.topShare) return `${percent(share)} of the 4-grams are "${most}"`;
  const unique = uniqueShare(all);
  return unique < limits.uniqueShare ? `only ${percent(unique)} of the words are different` : null;
}

/** The commonest 4-gram of words and its share, where that may be above `least`; else no share. */
function topRun(all: readonly string[], least: number): [run: string, share: number] {
  const [, share] = topShare(all);
  // A word is in each run that begins with it, so none is commoner than its first word.
  const atMost = share * all.length / (all.length - 3);
  return atMost < least ? ["", 0] : topShare(ngrams(all, 4));
}

/** The commonest of some items, and its share of them. */
export function topShare(items: readonly string[]): [item: string, share: number] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  const [item, count] = [...counts].reduce((a, b) => b[1] > a[1] ? b : a, ["", 0]);
  return [item, items.length === 0 ? 0 : count / items.length];
}

/** The share of words that are different, a mean over windows; the last may be up to twice as long. */
export function uniqueShare(words: readonly string[]): number {
  const windows = Math.max(1, Math.floor(words.length / WINDOW));
  const shares = Array.from({ length: windows }, (_, i) => {
    const own = words.slice(i * WINDOW, i === windows - 1 ? undefined : (i + 1) * WINDOW);
    return new Set(own).size / own.length;
  });
  return shares.reduce((sum, share) => sum + share, 0) / windows;
}

/** Drops rows of which too few characters are ASCII: a rough test for English. */
export function ascii(row: RowText, least: number): Reason {
  const text = wholeText(row);
  const share = (text.match(/\p{ASCII}/gu)?.length ?? 0) / [...text].length;
  return share < least ? `${(100 * share).toFixed(0)} % of the characters are ASCII` : null;
}

/**
 * Drops rows of which too few letters are of a script (`Latin`, `Cyrillic`, `Han`, ...): as near to
 * the language as can be told without a model.
 *
 * @throws {SyntaxError} for a script that Unicode does not know.
 */
export function script(row: RowText, name: string, least: number): Reason {
  const text = wholeText(row);
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  if (letters === 0) return null;
  const own = text.match(new RegExp(`(?=\\p{L})\\p{Script=${name}}`, "gu"))?.length ?? 0;
  const share = own / letters;
  return share < least ? `${(100 * share).toFixed(0)} % of the letters are ${name}` : null;
}

/**
 * Drops answers that are far longer or shorter than the others: more than `limit` standard
 * deviations from the mean of ln(1 + words), in which lengths are nearer to a normal distribution.
 */
export function* outlyingLengths(rows: List<RowText>, limit: number): Generator<Reason> {
  const counts = new Uint32Array(rows.length);
  let i = 0;
  for (const { answer } of rows) counts[i++] = words(answer).length;
  const logs = Float64Array.from(counts, Math.log1p);
  const mean = logs.reduce((sum, x) => sum + x, 0) / logs.length;
  const deviation = Math.sqrt(logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / logs.length);
  for (const [i, x] of logs.entries()) {
    const z = deviation === 0 ? 0 : (x - mean) / deviation;
    yield Math.abs(z) > limit ? `an answer of ${counts[i]} words, z = ${z.toFixed(1)}` : null;
  }
}
