/**
 * How long the rows of some sources are, before any is left out or cut for its length.
 *
 * @module
 */
import { StoppedError } from "../../errors.ts";
import { permutation } from "../../random.ts";
import type { DataEntry } from "../entry.ts";
import { packedLength, type RowTokenizer } from "../example.ts";
import { LARGE, type LoadOptions, noCounts, policyOf, rowEncoder } from "./examples.ts";
import type { PendingRows } from "./pending_rows.ts";

/** Lengths of the rows of one source. */
export interface SourceLengths {
  /** Tokens that each takes in a micro-batch, ascending. */
  readonly tokens: Uint32Array;
  /** Whether there are more rows than were looked at. */
  readonly isSample: boolean;
}

/** The longest rows, as {@link LoadOptions} has them. */
export type LengthLimits = Pick<LoadOptions, "maxTokens" | "bothTokens">;

/** The most rows of a source that are looked at: the share beyond a length is known to 0.5 %. */
const ROWS = 4096;

/** A source whose rows wait from the first one on. */
export interface WaitingRows {
  readonly entry: DataEntry;
  readonly first: number;
  /** How many of its rows wait, or have waited. */
  readonly rows: number;
}

/**
 * The lengths of rows as they are, without those that would be split and so lose nothing. Of a
 * source with many rows, or long ones, some are drawn. A row that cannot be used is left to whoever
 * encodes all.
 */
export function rowLengths(
  pending: PendingRows,
  sources: readonly WaitingRows[],
  tokenizer: RowTokenizer,
  options: LoadOptions,
): SourceLengths[] {
  const bytes = LARGE / sources.length;
  return sources.map(({ entry, first, rows }) => {
    const encode = rowEncoder(entry, tokenizer, {
      ...options,
      maxTokens: Infinity,
      bothTokens: Infinity,
    });
    const tokens: number[] = [];
    let [looked, left] = [0, bytes];
    for (const at of rows <= ROWS ? Array(rows).keys() : permutation(rows, 0)) {
      if (looked === ROWS || left <= 0) break;
      const { row: [, sampled], length } = pending.at(first + at);
      left -= length;
      looked++;
      if (policyOf(sampled.content.kind, options) === "split") continue;
      const found = unlessFaulty(() => encode(sampled, noCounts()));
      for (const example of found) tokens.push(packedLength(example));
    }
    return { tokens: Uint32Array.from(tokens).sort(), isSample: looked < rows };
  });
}

function unlessFaulty<T>(encode: () => readonly T[]): readonly T[] {
  try {
    return encode();
  } catch (fault) {
    if (fault instanceof StoppedError) throw fault;
    return [];
  }
}
