/**
 * Python's `split` and `rsplit`.
 *
 * @module
 */

import { spend, spendText } from "../budget.ts";
import { cutInto, type Piece, plainText } from "../values/traced.ts";
import { BLANK, strip } from "./blanks.ts";

const BLANKS = new RegExp(`${BLANK}+`, "g");
const BLANKS_HERE = new RegExp(`${BLANK}*`, "y");

/** At runs of white space, none of it at the ends; at most so often, without a limit below 0. */
export function splitAtBlanks(piece: Piece, most: number, fromEnd: boolean): Piece[] {
  const text = plainText(piece);
  const texts = textsBetweenBlanks(text, most, fromEnd);
  return cutInto(piece, texts, (at, next) => text.startsWith(next, at) ? at : pastBlanks(text, at));
}

function pastBlanks(text: string, at: number): number {
  BLANKS_HERE.lastIndex = at;
  return at + BLANKS_HERE.exec(text)![0].length;
}

function textsBetweenBlanks(text: string, most: number, fromEnd: boolean): string[] {
  spendText(text.length);
  if (most < 0) {
    const inner = strip(text, null, "both");
    const pieces = inner === "" ? [] : inner.split(BLANKS);
    spend(2 * pieces.length);
    return pieces;
  }
  const bare = strip(text, null, fromEnd ? "right" : "left");
  const gaps = [...bare.matchAll(BLANKS)];
  const ends = bare === ""
    ? []
    : gaps.filter(({ 0: gap, index }) => index > 0 && index + gap.length < bare.length);
  spend(2 * gaps.length);
  if (ends.length <= most) {
    const inner = strip(bare, null, "both");
    return inner === "" ? [] : inner.split(BLANKS);
  }
  const taken = most === 0 ? [] : fromEnd ? ends.slice(-most) : ends.slice(0, most);
  let begin = 0;
  const pieces = taken.map(({ 0: gap, index }) => {
    const piece = bare.slice(begin, index);
    begin = index + gap.length;
    return piece;
  });
  return [...pieces, bare.slice(begin)];
}

/** At each mark; at most so often, without a limit below 0. */
export function splitAtMarks(
  piece: Piece,
  mark: string,
  most: number,
  fromEnd: boolean,
): Piece[] {
  const texts = textsBetweenMarks(plainText(piece), mark, most, fromEnd);
  return cutInto(piece, texts, (at) => at + mark.length);
}

function textsBetweenMarks(text: string, mark: string, most: number, fromEnd: boolean) {
  if (mark === "") throw new RangeError("empty separator");
  spendText(text.length);
  const pieces = text.split(mark);
  spend(pieces.length);
  if (most < 0 || pieces.length <= most + 1) return pieces;
  const at = pieces.length - most;
  return fromEnd
    ? [pieces.slice(0, at).join(mark), ...pieces.slice(at)]
    : [...pieces.slice(0, most), pieces.slice(most).join(mark)];
}
