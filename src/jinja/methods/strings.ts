/**
 * Methods of Python's str.
 *
 * @module
 */

import { spend, spendText } from "../budget.ts";
import { charactersOf } from "../values/operators.ts";
import { countCharacters, listOf, numeric, textOf } from "../values/compare.ts";
import { pieceOf } from "../values/text.ts";
import { cut, cutInto, joined, type Piece, plainText, remade } from "../values/traced.ts";
import { type Arguments, Tuple, typeName, type Value } from "../values/value.ts";
import { LINE_END, strip } from "./blanks.ts";
import { capitalized, IS, swapped, titled } from "./letters.ts";
import { pad } from "./pad.ts";
import { splitAtBlanks, splitAtMarks } from "./split.ts";

/** What a method makes of its text. */
export type StringMethod = (piece: Piece, args: Arguments) => Value;

/** Texts among arguments, and numbers. */
type Taken = readonly (Value | undefined)[];

/** A method without arguments. */
const plain = (name: string, make: (text: string) => Value): StringMethod => (piece, args) => {
  args.take(name, []);
  spendText(plainText(piece).length);
  const made = make(plainText(piece));
  return typeof made === "string" ? remade(piece, made) : made;
};

const method = (
  name: string,
  parameters: readonly string[],
  required: number,
  make: (text: string, values: Taken, piece: Piece) => Value,
): StringMethod =>
(piece, args) => make(plainText(piece), args.take(name, parameters, required), piece);

/** @throws {TypeError} where an argument is no text. */
export function needText(value: Value | undefined): string {
  const text = value === undefined ? undefined : textOf(value);
  if (text !== undefined) return text;
  throw new TypeError(`found ${typeName(value ?? null)}, wanted str`);
}

/** The same, with where it comes from. */
export function needPiece(value: Value | undefined): Piece {
  needText(value);
  return pieceOf(value!);
}

/** @throws {TypeError} where an argument is no integer. */
export function needInteger(value: Value | undefined, otherwise: number): number {
  if (value === undefined || value === null) return otherwise;
  const number = numeric(value);
  if (typeof number === "bigint") return Number(number);
  throw new TypeError(`'${typeName(value)}' object cannot be interpreted as an integer`);
}

const optionalText = (value: Value | undefined): string | null =>
  value === undefined || value === null ? null : needText(value);

/** The part of a text between two places, counted in characters, and where it begins. */
function part(text: string, start: Value | undefined, stop: Value | undefined): [string, number] {
  if ((start ?? null) === null && (stop ?? null) === null) return [text, 0];
  const characters = charactersOf(text);
  const place = (value: Value | undefined, otherwise: number) => {
    const index = needInteger(value, otherwise);
    return Math.max(0, Math.min(index < 0 ? index + characters.length : index, characters.length));
  };
  const from = place(start, 0);
  const found = characters.slice(from, Math.max(from, place(stop, characters.length)));
  // Past the end even an empty text is not found.
  if (needInteger(start, 0) > characters.length) return ["", -1];
  return [typeof found === "string" ? found : found.join(""), from];
}

const find = (name: string, isLast: boolean, mustBe: boolean): StringMethod =>
  method(name, ["sub", "start", "end"], 1, (text, [sub, start, end]) => {
    const [within, from] = part(text, start, end);
    spendText(text.length);
    const wanted = needText(sub);
    const at = from < 0 ? -1 : isLast ? within.lastIndexOf(wanted) : within.indexOf(wanted);
    if (at >= 0) return BigInt(from + countCharacters(within.slice(0, at)));
    if (mustBe) throw new RangeError("substring not found");
    return -1n;
  });

const bounded = (name: string, holds: (text: string, mark: string) => boolean): StringMethod =>
  method(name, ["prefix", "start", "end"], 1, (text, [mark, start, end]) => {
    const [within, from] = part(text, start, end);
    const marks = mark instanceof Tuple ? mark.items.map(needText) : [needText(mark)];
    return from >= 0 && marks.some((one) => holds(within, one));
  });

const stripped = (name: string, from: "both" | "left" | "right"): StringMethod =>
  method(name, ["chars"], 0, (_, [chars], piece) => strip(piece, optionalText(chars), from));

const padded = (name: string, align: "<" | ">"): StringMethod =>
  method(
    name,
    ["width", "fillchar"],
    1,
    (text, [width, fill = " "]) => pad(text, needInteger(width, 0), align, needText(fill)),
  );

const divided = (name: string, fromEnd: boolean): StringMethod =>
  method(name, ["sep", "maxsplit"], 0, (_, [sep, most], piece) => {
    const mark = optionalText(sep);
    const limit = needInteger(most, -1);
    return mark === null
      ? splitAtBlanks(piece, limit, fromEnd)
      : splitAtMarks(piece, mark, limit, fromEnd);
  });

const parted = (name: string, isLast: boolean): StringMethod =>
  method(name, ["sep"], 1, (text, [sep], piece) => {
    const mark = needText(sep);
    if (mark === "") throw new RangeError("empty separator");
    spendText(text.length);
    const at = isLast ? text.lastIndexOf(mark) : text.indexOf(mark);
    if (at < 0) return new Tuple(isLast ? ["", "", piece] : [piece, "", ""]);
    return new Tuple([cut(piece, 0, at), mark, cut(piece, at + mark.length)]);
  });

/** Occurrences side by side; of nothing there is one at each character and at the end. */
export function countIn(text: string, part: string): number {
  spendText(text.length);
  if (part === "") return countCharacters(text) + 1;
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

/** Python's `str.replace`; below 0, all are replaced. */
export function replaced(piece: Piece, from: string, to: Piece, most = -1): Piece {
  const text = plainText(piece);
  const count = countIn(text, from);
  const times = most < 0 ? count : Math.min(most, count);
  spendText(text.length + times * (plainText(to).length - from.length));
  spend(times / 2);
  if (times === 0) return piece;
  const kept = from === "" ? ["", ...text] : text.split(from);
  if (typeof piece === "string" && typeof to === "string") {
    return kept.slice(0, times).join(to) + to + kept.slice(times).join(from);
  }
  const parts = cutInto(piece, kept, (at) => at + from.length);
  return joined([joined([...parts.slice(0, times), ""], to), joined(parts.slice(times), from)]);
}

/** Python's `str.splitlines`. */
export function splitLines(piece: Piece, keepEnds = false): Piece[] {
  const text = plainText(piece);
  spendText(text.length);

  const lines: Piece[] = [];

  let begin = 0;
  for (const { 0: end, index } of text.matchAll(LINE_END)) {
    spend();

    lines.push(cut(piece, begin, keepEnds ? index + end.length : index));
    begin = index + end.length;
  }
  return begin < text.length ? [...lines, cut(piece, begin)] : lines;
}

function joinedItems(between: Piece, items: Value): Piece {
  const pieces = listOf(items).map((item, i) => {
    if (textOf(item) !== undefined) return pieceOf(item);
    throw new TypeError(`sequence item ${i}: expected str instance, ${typeName(item)} found`);
  });
  return joined(pieces, between);
}

function expanded(text: string, size: number): string {
  spend(text.length / 2);

  let column = 0;
  return Array.from(text, (mark) => {
    if (mark !== "\t") {
      column = mark === "\n" || mark === "\r" ? 0 : column + 1;
      return mark;
    }
    const width = size <= 0 ? 0 : size - column % size;
    column += width;
    return " ".repeat(width);
  }).join("");
}

/** By name; those that Python has and this has not are in `attributes.ts`. */
export const STRING_METHODS: Readonly<Record<string, StringMethod>> = {
  ...Object.fromEntries(
    Object.entries(IS).map(([name, holds]) => [name, plain(name, holds)]),
  ),
  upper: plain("upper", (text) => text.toUpperCase()),
  lower: plain("lower", (text) => text.toLowerCase()),
  casefold: plain("casefold", (text) => text.toLowerCase().replaceAll("ß", "ss")),
  capitalize: plain("capitalize", capitalized),
  title: plain("title", titled),
  swapcase: plain("swapcase", swapped),
  strip: stripped("strip", "both"),
  lstrip: stripped("lstrip", "left"),
  rstrip: stripped("rstrip", "right"),
  find: find("find", false, false),
  rfind: find("rfind", true, false),
  index: find("index", false, true),
  rindex: find("rindex", true, true),
  startswith: bounded("startswith", (text, mark) => text.startsWith(mark)),
  endswith: bounded("endswith", (text, mark) => text.endsWith(mark)),
  count: method("count", ["sub", "start", "end"], 1, (text, [sub, start, end]) => {
    const [within, from] = part(text, start, end);
    return from < 0 ? 0n : BigInt(countIn(within, needText(sub)));
  }),
  replace: method(
    "replace",
    ["old", "new", "count"],
    2,
    (_, [from, to, most], piece) =>
      replaced(piece, needText(from), needPiece(to), needInteger(most, -1)),
  ),
  split: divided("split", false),
  rsplit: divided("rsplit", true),
  splitlines: method(
    "splitlines",
    ["keepends"],
    0,
    (_, [keep], piece) => splitLines(piece, needInteger(keep, 0) !== 0),
  ),
  partition: parted("partition", false),
  rpartition: parted("rpartition", true),
  join: method("join", ["iterable"], 1, (_, [items], piece) => joinedItems(piece, items!)),
  ljust: padded("ljust", "<"),
  rjust: padded("rjust", ">"),
  center: method(
    "center",
    ["width", "fillchar"],
    1,
    (text, [width, fill = " "]) => centered(text, needInteger(width, 0), needText(fill)),
  ),
  zfill: method("zfill", ["width"], 1, (text, [width]) => {
    const sign = /^[-+]?/.exec(text)![0];
    return sign + pad(text.slice(sign.length), needInteger(width, 0) - sign.length, ">", "0");
  }),
  expandtabs: method(
    "expandtabs",
    ["tabsize"],
    0,
    (text, [size]) => expanded(text, needInteger(size, 8)),
  ),
  removeprefix: method(
    "removeprefix",
    ["prefix"],
    1,
    (text, [mark], piece) =>
      text.startsWith(needText(mark)) ? cut(piece, needText(mark).length) : piece,
  ),
  removesuffix: method(
    "removesuffix",
    ["suffix"],
    1,
    (text, [mark], piece) =>
      text.endsWith(needText(mark)) ? cut(piece, 0, text.length - needText(mark).length) : piece,
  ),
};

/** As `str.center`: the odd blank goes to the left where the width is odd. */
export function centered(text: string, width: number, fill = " "): string {
  const missing = width - countCharacters(text);
  if (missing <= 0) return text;
  const left = Math.floor(missing / 2) + (missing & width & 1);
  return pad(pad(text, width - missing + left, ">", fill), width, "<", fill);
}
