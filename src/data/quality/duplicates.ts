/**
 * Rows that are there already, exactly or nearly.
 *
 * @module
 */
import type { Reason } from "./filters.ts";
import type { DataEntry } from "../entry.ts";
import { firstsOfSame } from "./lists/buckets.ts";
import { type List, mapped, remembered } from "./lists/list.ts";
import { jaccard, NEAR_DUPLICATE, nearDuplicates } from "./near_duplicates.ts";
import { readRowTexts, type RowText, wholeText } from "./row.ts";
import { words } from "./words.ts";

/** Drops rows of which an earlier one has the same texts to the letter. */
export function exactDuplicates(rows: List<RowText>): Iterable<Reason> {
  const texts = mapped(rows, (row) => JSON.stringify([row.instruction, row.input, row.answer]));
  return repeats(rows, firstsOfSame(texts), "the same as");
}

/** The least share of words that each text of two near-duplicates has in common. */
const ALIKE = 0.5;

/**
 * Drops all but the first of near-duplicates ({@linkcode nearDuplicates} of their whole texts), of
 * which moreover instruction, input and answer each share half of their words: two questions about
 * one long text are not the same, nor two inputs under one long instruction.
 */
export function nearDuplicateRows(rows: List<RowText>, threshold: number): Iterable<Reason> {
  const lately = remembered(mapped(rows, partsOf), REMEMBERED);
  const also = (i: number, j: number) => {
    const [one, other] = [lately.at(i)!, lately.at(j)!];
    return one.every(({ text, words }, part) =>
      text === other[part]!.text || jaccard(words, other[part]!.words) >= ALIKE
    );
  };
  const firsts = nearDuplicates(mapped(rows, wholeText), { threshold, also });
  return repeats(rows, firsts, "nearly the same as");
}

/** Why each row is dropped of which there is an earlier one. */
function* repeats(rows: List<RowText>, firsts: Uint32Array, what: string): Generator<Reason> {
  for (const [i, first] of firsts.entries()) {
    yield first === i ? null : `${what} ${rows.at(first)!.origin}`;
  }
}

/** How many rows of some sources, of those that `origins` names, are duplicates. */
export async function countDuplicates(
  entries: readonly DataEntry[],
  origins: ReadonlySet<string>,
): Promise<{ exact: number; near: number }> {
  const rows: RowText[] = [];
  for (const entry of entries) {
    for await (const row of readRowTexts(entry)) if (origins.has(row.origin)) rows.push(row);
  }
  const exact = [...exactDuplicates(rows)];
  const left = rows.filter((_, i) => exact[i] === null);
  const near = [...nearDuplicateRows(left, NEAR_DUPLICATE)];
  return {
    exact: rows.length - left.length,
    near: near.filter((reason) => reason !== null).length,
  };
}

/** Rows of which the words are kept: those of a crowd are compared one by one. */
const REMEMBERED = 1024;

/** The texts of a row that two have in common each by itself. */
const partsOf = ({ instruction, input, answer }: RowText) =>
  [instruction, input, answer].map((text) => ({ text, words: new Set(words(text)) }));
