/**
 * White space and line ends as Python has them.
 *
 * @module
 */

import { spendText } from "../budget.ts";
import { cut, type Piece, plainText } from "../values/traced.ts";

/** What `str.isspace` holds for: JavaScript's `\s` has the byte order mark too and lacks five controls. */
export const BLANK = String
  .raw`[ \t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`;

/** Where `str.splitlines` divides. */
// deno-lint-ignore no-control-regex -- Python counts these controls
export const LINE_END = /\r\n|[\n-\r\x1c-\x1e\x85\u2028\u2029]/g;

const BLANK_CHARACTER = new RegExp(BLANK);

/** Whether a code unit is white space. */
function isBlank(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 9 && code <= 13) || (code >= 28 && code <= 31);
  return BLANK_CHARACTER.test(String.fromCharCode(code));
}

/** A text without those characters at its ends, white space where none are named. */
export function strip<P extends Piece>(
  piece: P,
  characters: string | null,
  from: "both" | "left" | "right",
): P extends string ? string : Piece {
  const text = plainText(piece);
  const set = characters === null ? null : new Set(characters);
  let [begin, end] = [0, text.length];
  const isStripped = (at: number, size: number) =>
    set === null ? isBlank(text.charCodeAt(at)) : set.has(text.slice(at, at + size));
  while (from !== "right" && begin < end) {
    const size = text.codePointAt(begin)! > 0xffff ? 2 : 1;
    if (!isStripped(begin, size)) break;
    begin += size;
  }
  while (from !== "left" && begin < end) {
    const size = end - begin > 1 && text.codePointAt(end - 2)! > 0xffff ? 2 : 1;
    if (!isStripped(end - size, size)) break;
    end -= size;
  }
  spendText(text.length - (end - begin));
  return cut(piece, begin, end) as P extends string ? string : Piece;
}
