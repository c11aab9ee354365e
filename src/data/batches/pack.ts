/**
 * Documents into rows of T tokens: which go together, and how a row is laid out for the model.
 *
 * @module
 */

import { sidesOf } from "../tokenize/sides.ts";
import type { Examples } from "../example.ts";
import { UNSUPERVISED } from "../../rows/content.ts";

/** Where one document of a batch stands. */
export interface PackedDocument {
  /** Index of its example. */
  readonly example: number;
  /** Of its example. */
  readonly label?: number;
  /** Set where the document before it is another answer of the same example. */
  readonly isNext?: true;
  /** Its first token in the batch. */
  readonly begin: number;
  /** Its tokens, BOS and EOS counted. */
  readonly length: number;
  /** Where its part of `rows` and `targets` begins. */
  readonly rowBegin: number;
  /** One past the end of that part. */
  readonly rowEnd: number;
}

/**
 * One micro-batch: T tokens in one row, documents back to back, padding last. A padding token is a
 * document of its own (token 0, position 0), so kernels need not know of padding.
 */
export interface Batch {
  /** Tokens of the row, padding counted. */
  readonly T: number;
  /** Tokens that are not padding, those of sources counted. */
  readonly used: number;
  /** How many tokens are predicted. */
  readonly supervised: number;
  /** Token ids, [T]. */
  readonly tokens: Uint32Array;
  /** Counted from 0 in each document, [T]. */
  readonly positions: Uint32Array;
  /** First token of the token's document, [T]; never decreases. */
  readonly start: Uint32Array;
  /** One past the last token of the token's document, [T]. */
  readonly end: Uint32Array;
  /** The tokens whose successor is supervised, ascending, [supervised]. */
  readonly rows: Uint32Array;
  /** The id of each such successor, [supervised]. */
  readonly targets: Uint32Array;
  /** In the order of the row. */
  readonly documents: readonly PackedDocument[];
  /** The row that an encoder reads, for examples with a source. */
  readonly source?: PackedSource;
}

/** The sources of a batch's documents in a row of their own, in the same order. */
export interface PackedSource extends Pick<Batch, "tokens" | "positions" | "start" | "end"> {
  /** The tokens of the batch see those of the source from here on, [T]; never decreases. */
  readonly from: Uint32Array;
  /** One past the last that they see, [T]; never decreases. */
  readonly to: Uint32Array;
  /** The first token of the batch that sees each of the source's, [T]; never decreases. */
  readonly first: Uint32Array;
  /** One past the last that does, [T]; never decreases. */
  readonly past: Uint32Array;
}

/**
 * Packs documents into rows of T tokens: the longest first, each into the fullest row that still
 * has room (best fit decreasing: at most 11/9 of the fewest rows possible plus 4, Johnson 1973). The
 * same lengths always give the same rows. Takes time in proportion to documents times rows.
 *
 * @returns the indices of each row's documents, rows in the order in which they opened.
 * @throws {RangeError} if a document is longer than T.
 */
export function pack(lengths: ArrayLike<number>, T: number): number[][] {
  const rows: number[][] = [];
  const free: number[] = [];
  const longestFirst = Array.from(lengths, (length, i) => ({ length, i }))
    .sort((a, b) => b.length - a.length || a.i - b.i);
  for (const { length, i } of longestFirst) {
    checkFits(length, T, () => `document ${i}`);
    let row = fullestThatFits(free, length);
    if (row < 0) {
      row = rows.push([]) - 1;
      free.push(T);
    }
    rows[row]!.push(i);
    free[row]! -= length;
  }
  return rows;
}

/**
 * Packs documents in the order given: each goes into the last row, or opens the next.
 *
 * @returns the indices of each row's documents.
 * @throws {RangeError} if a document is longer than T.
 */
export function packInOrder(lengths: ArrayLike<number>, T: number): number[][] {
  const rows: number[][] = [];
  let free = 0;
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i]!;
    checkFits(length, T, () => `document ${i}`);
    if (length > free) {
      rows.push([]);
      free = T;
    }
    rows.at(-1)!.push(i);
    free -= length;
  }
  return rows;
}

/**
 * Lays out the chosen examples (all of them by default) as one row of T tokens, and their sources as
 * another.
 *
 * @throws {RangeError} if T is not a multiple of 8 or the examples do not fit, or some have a source and
 * others do not.
 */
export function batch(
  examples: Examples,
  T: number,
  chosen: Iterable<number> = Array(examples.length).keys(),
): Batch {
  if (!(T > 0 && T % 8 === 0)) throw new RangeError(`Found T = ${T}, wanted a multiple of 8`);
  const row = new Row(T);
  const source = new Row(T);
  const rows: number[] = [];
  const targets: number[] = [];
  const documents: PackedDocument[] = [];
  const sources: Placement[] = [];
  for (const example of chosen) {
    const { label } = examples.at(example)!;
    const sides = sidesOf(examples.at(example)!);
    for (const [i, { ids, labels, sourceLength, origin }] of sides.entries()) {
      if (sourceLength !== undefined) {
        sources.push(source.put(ids.subarray(0, sourceLength), origin));
      }
      const { begin, length } = row.put(ids.subarray(sourceLength ?? 0), origin);
      const rowBegin = rows.length;
      for (let i = 1; i < length; i++) {
        const label = labels[(sourceLength ?? 0) + i]!;
        if (label === UNSUPERVISED) continue;
        rows.push(begin + i - 1);
        targets.push(label);
      }
      const told = {
        ...(label !== undefined && { label }),
        ...(i > 0 && { isNext: true as const }),
      };
      documents.push({ example, ...told, begin, length, rowBegin, rowEnd: rows.length });
    }
  }
  if (sources.length > 0 && sources.length !== documents.length) {
    throw new RangeError(`Found ${sources.length} sources of ${documents.length} documents`);
  }
  const { tokens, positions, start, end } = row;
  return {
    T,
    used: row.used + source.used,
    supervised: rows.length,
    tokens,
    positions,
    start,
    end,
    rows: Uint32Array.from(rows),
    targets: Uint32Array.from(targets),
    documents,
    ...(sources.length > 0 && { source: sourceOf(source, sources, row, documents) }),
  };
}

/** Where a document lies in a row. */
type Placement = Pick<PackedDocument, "begin" | "length">;

/** A row of documents under way. */
class Row {
  readonly tokens: Uint32Array;
  readonly positions: Uint32Array;
  readonly start: Uint32Array;
  readonly end: Uint32Array;
  used = 0;

  constructor(readonly T: number) {
    this.tokens = new Uint32Array(T);
    this.positions = new Uint32Array(T);
    this.start = Uint32Array.from({ length: T }, (_, i) => i);
    this.end = Uint32Array.from({ length: T }, (_, i) => i + 1);
  }

  put(ids: Uint32Array, origin: string): Placement {
    const [begin, length] = [this.used, ids.length];
    checkFits(length, this.T - begin, () => origin);
    this.tokens.set(ids, begin);
    this.used += length;
    this.start.fill(begin, begin, this.used);
    this.end.fill(this.used, begin, this.used);
    for (let i = 0; i < length; i++) this.positions[begin + i] = i;
    return { begin, length };
  }
}

/** Padding sees nothing and is seen by nothing. */
function sourceOf(
  { T, tokens, positions, start, end, used }: Row,
  sources: readonly Placement[],
  target: Row,
  targets: readonly Placement[],
): PackedSource {
  const rows = (value: number) => new Uint32Array(T).fill(value);
  const [from, to, first, past] = [rows(used), rows(used), rows(target.used), rows(target.used)];
  for (const [i, { begin, length }] of sources.entries()) {
    const { begin: row, length: rows } = targets[i]!;
    from.fill(begin, row, row + rows);
    to.fill(begin + length, row, row + rows);
    first.fill(row, begin, begin + length);
    past.fill(row + rows, begin, begin + length);
  }
  return { tokens, positions, start, end, from, to, first, past };
}

function fullestThatFits(free: readonly number[], length: number): number {
  let best = -1;
  for (let row = 0; row < free.length; row++) {
    if (free[row]! >= length && (best < 0 || free[row]! < free[best]!)) best = row;
  }
  return best;
}

function checkFits(length: number, free: number, document: () => string): void {
  if (length >= 1 && length <= free) return;
  throw new RangeError(`${document()}: found ${length} tokens, wanted 1 to ${free}, the room left`);
}
