/**
 * Rows that are there already, exactly or nearly.
 *
 * @module
 */
import type { Reason } from "./filters.ts";
import type { DataEntry } from "../data/entry.ts";
import { GrowableArray } from "../io/store/growable_array.ts";
import { firstsOfSame } from "./lists/buckets.ts";
import { DiskList } from "../io/store/disk_list.ts";
import { type List, mapped, remembered, selected } from "./lists/list.ts";
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
    const others = lately.at(j)!;
    return lately.at(i)!.every((part, k) => part.isAlike(others[k]!));
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

/** How many rows of some sources, of those whose origin is wanted, are duplicates. */
export async function countDuplicates(
  entries: readonly DataEntry[],
  isWanted: (origin: string) => boolean,
): Promise<{ exact: number; near: number }> {
  using rows = new DiskList<RowText>();
  for (const entry of entries) {
    for await (const row of readRowTexts(entry)) if (isWanted(row.origin)) rows.push(row);
  }
  const firsts = new GrowableArray(Uint32Array);
  let [i, near] = [0, 0];
  for (const reason of exactDuplicates(rows)) {
    if (reason === null) firsts.push(i);
    i++;
  }
  for (const reason of nearDuplicateRows(selected(rows, firsts), NEAR_DUPLICATE)) {
    if (reason !== null) near++;
  }
  return { exact: rows.length - firsts.length, near };
}

/** Rows of which the parts are kept: those of a crowd are compared one by one. */
const REMEMBERED = 512;

const partsOf = ({ instruction, input, answer }: RowText): Part[] =>
  [instruction, input, answer].map((text) => new Part(text));

/** One of the texts of a row. */
class Part {
  #words: ReadonlySet<string> | undefined;

  constructor(readonly text: string) {}

  isAlike(other: Part): boolean {
    return this.text === other.text || jaccard(this.words, other.words) >= ALIKE;
  }

  get words(): ReadonlySet<string> {
    return this.#words ??= new Set(words(this.text));
  }
}
