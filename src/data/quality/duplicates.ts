/**
 * Rows that are there already, exactly or nearly.
 *
 * @module
 */
import type { Reason } from "./filters.ts";
import type { DataEntry } from "../entry.ts";
import { jaccard, NEAR_DUPLICATE, nearDuplicates } from "./near_duplicates.ts";
import { readRowTexts, type RowText, wholeText } from "./row.ts";
import { words } from "./words.ts";

/** Drops rows of which an earlier one has the same texts to the letter. */
export function exactDuplicates(rows: readonly RowText[]): Reason[] {
  const seen = new Map<string, RowText>();
  return rows.map((row) => {
    const key = JSON.stringify([row.instruction, row.input, row.answer]);
    const first = seen.getOrInsert(key, row);
    return first === row ? null : `the same as ${first.origin}`;
  });
}

/** The least share of words that each text of two near-duplicates has in common. */
const ALIKE = 0.5;

/**
 * Drops all but the first of near-duplicates ({@linkcode nearDuplicates} of their whole texts), of
 * which moreover instruction, input and answer each share half of their words: two questions about
 * one long text are not the same, nor two inputs under one long instruction.
 */
export function nearDuplicateRows(rows: readonly RowText[], threshold: number): Reason[] {
  const also = (i: number, j: number) =>
    PARTS.every((part) => alike(rows[i]![part], rows[j]![part]));
  const firsts = nearDuplicates(rows.map(wholeText), { threshold, also });
  return firsts.map((first, i) => first === i ? null : `nearly the same as ${rows[first]!.origin}`);
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
  const isDropped = (reason: Reason) => reason !== null;
  const exact = exactDuplicates(rows);
  const left = rows.filter((_, i) => exact[i] === null);
  return {
    exact: exact.filter(isDropped).length,
    near: nearDuplicateRows(left, NEAR_DUPLICATE).filter(isDropped).length,
  };
}

const PARTS = ["instruction", "input", "answer"] as const;

const alike = (a: string, b: string): boolean =>
  a === b || jaccard(new Set(words(a)), new Set(words(b))) >= ALIKE;
