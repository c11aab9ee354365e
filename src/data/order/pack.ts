/**
 * Documents into rows of T tokens: which go together, and how a row is laid out for the model.
 *
 * @module
 */

import { type Examples, UNSUPERVISED } from "../example.ts";

/** Where one document of a batch stands. */
export interface PackedDocument {
  /** Index of its example. */
  readonly example: number;
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
  /** Tokens that are not padding. */
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
  const rooms: number[] = [];
  const longestFirst = Array.from(lengths, (length, i) => ({ length, i }))
    .sort((a, b) => b.length - a.length || a.i - b.i);
  for (const { length, i } of longestFirst) {
    checkFits(length, T, () => `document ${i}`);
    let row = fullestWithRoom(rooms, length);
    if (row < 0) {
      row = rows.push([]) - 1;
      rooms.push(T);
    }
    rows[row]!.push(i);
    rooms[row]! -= length;
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
  let room = 0;
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i]!;
    checkFits(length, T, () => `document ${i}`);
    if (length > room) {
      rows.push([]);
      room = T;
    }
    rows.at(-1)!.push(i);
    room -= length;
  }
  return rows;
}

/**
 * Lays out the chosen examples (all of them by default) as one row of T tokens.
 *
 * @throws {RangeError} if T is not a multiple of 8 or the examples do not fit.
 */
export function batch(
  examples: Examples,
  T: number,
  chosen: Iterable<number> = Array(examples.length).keys(),
): Batch {
  if (!(T > 0 && T % 8 === 0)) throw new RangeError(`Found T = ${T}, wanted a multiple of 8`);
  const tokens = new Uint32Array(T);
  const positions = new Uint32Array(T);
  const start = Uint32Array.from({ length: T }, (_, i) => i);
  const end = Uint32Array.from({ length: T }, (_, i) => i + 1);
  const rows: number[] = [];
  const targets: number[] = [];
  const documents: PackedDocument[] = [];
  let begin = 0;
  for (const example of chosen) {
    const { ids, labels } = examples.at(example)!;
    const length = ids.length;
    const rowBegin = rows.length;
    checkFits(length, T - begin, () => examples.at(example)!.origin);
    tokens.set(ids, begin);
    start.fill(begin, begin, begin + length);
    end.fill(begin + length, begin, begin + length);
    for (let i = 0; i < length; i++) {
      positions[begin + i] = i;
      if (i === 0 || labels[i] === UNSUPERVISED) continue;
      rows.push(begin + i - 1);
      targets.push(labels[i]!);
    }
    documents.push({ example, begin, length, rowBegin, rowEnd: rows.length });
    begin += length;
  }
  return {
    T,
    used: begin,
    supervised: rows.length,
    tokens,
    positions,
    start,
    end,
    rows: Uint32Array.from(rows),
    targets: Uint32Array.from(targets),
    documents,
  };
}

function fullestWithRoom(rooms: readonly number[], length: number): number {
  let best = -1;
  for (let row = 0; row < rooms.length; row++) {
    if (rooms[row]! >= length && (best < 0 || rooms[row]! < rooms[best]!)) best = row;
  }
  return best;
}

function checkFits(length: number, room: number, document: () => string): void {
  if (length >= 1 && length <= room) return;
  throw new RangeError(`${document()}: found ${length} tokens, wanted 1 to ${room}, the room left`);
}
