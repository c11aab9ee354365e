/**
 * Methods of Python's str.
 *
 * @module
 */

import { spend, spendText } from "../budget.ts";
import { countCharacters, hasPairs, listOf, numeric, textOf } from "../values/compare.ts";
import { type Arguments, Tuple, typeName, type Value } from "../values/value.ts";
import { LINE_END, strip } from "./blanks.ts";
import { capitalized, IS, swapped, titled } from "./letters.ts";
import { pad } from "./pad.ts";
import { splitAtBlanks, splitAtMarks } from "./split.ts";

/** What a method makes of its text. */
export type StringMethod = (text: string, args: Arguments) => Value;

/** Texts among arguments, and numbers. */
type Taken = readonly (Value | undefined)[];

/** A method without arguments. */
const plain = (name: string, make: (text: string) => Value): StringMethod => (text, args) => {
  args.take(name, []);
  return make(text);
};

const method = (
  name: string,
  parameters: readonly string[],
  required: number,
  make: (text: string, values: Taken) => Value,
): StringMethod =>
(text, args) => make(text, args.take(name, parameters, required));

/** @throws {TypeError} where an argument is no text. */
export function needText(value: Value | undefined): string {
  const text = value === undefined ? undefined : textOf(value);
  if (text !== undefined) return text;
  throw new TypeError(`found ${typeName(value ?? null)}, wanted str`);
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
  const characters = hasPairs(text) ? [...text] : text;
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
  method(name, ["chars"], 0, (text, [chars]) => strip(text, optionalText(chars), from));

const padded = (name: string, align: "<" | ">"): StringMethod =>
  method(
    name,
    ["width", "fillchar"],
    1,
    (text, [width, fill = " "]) => pad(text, needInteger(width, 0), align, needText(fill)),
  );

const divided = (name: string, fromEnd: boolean): StringMethod =>
  method(name, ["sep", "maxsplit"], 0, (text, [sep, most]) => {
    const mark = optionalText(sep);
    const limit = needInteger(most, -1);
    return mark === null
      ? splitAtBlanks(text, limit, fromEnd)
      : splitAtMarks(text, mark, limit, fromEnd);
  });

const parted = (name: string, isLast: boolean): StringMethod =>
  method(name, ["sep"], 1, (text, [sep]) => {
    const mark = needText(sep);
    if (mark === "") throw new RangeError("empty separator");
    const at = isLast ? text.lastIndexOf(mark) : text.indexOf(mark);
    if (at < 0) return new Tuple(isLast ? ["", "", text] : [text, "", ""]);
    return new Tuple([text.slice(0, at), mark, text.slice(at + mark.length)]);
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
export function replaced(text: string, from: string, to: string, most = -1): string {
  const count = countIn(text, from);
  const times = most < 0 ? count : Math.min(most, count);
  spendText(text.length + times * (to.length - from.length));
  if (from === "") {
    const characters = [...text];
    const opened = characters.map((one, i) => (i < times ? to : "") + one).join("");
    return opened + (times > characters.length ? to : "");
  }
  spend(times / 2);
  const pieces = text.split(from);
  if (times === count) return pieces.join(to);
  return [...pieces.slice(0, times), pieces.slice(times).join(from)].join(to);
}

/** Python's `str.splitlines`. */
export function splitLines(text: string, keepEnds = false): string[] {
  spendText(text.length);
  const lines: string[] = [];
  let begin = 0;
  for (const { 0: end, index } of text.matchAll(LINE_END)) {
    lines.push(text.slice(begin, keepEnds ? index + end.length : index));
    begin = index + end.length;
  }
  return begin < text.length ? [...lines, text.slice(begin)] : lines;
}

function joined(separator: string, items: Value | undefined): string {
  const texts = listOf(items!).map((item, i) => {
    const text = textOf(item);
    if (text !== undefined) return text;
    throw new TypeError(`sequence item ${i}: expected str instance, ${typeName(item)} found`);
  });
  return joinTexts(texts, separator);
}

/** Texts with another between them. */
export function joinTexts(texts: readonly string[], separator: string): string {
  spendText(texts.reduce((sum, { length }) => sum + length + separator.length, 0));
  return texts.join(separator);
}

function expanded(text: string, size: number): string {
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
    (text, [from, to, most]) => replaced(text, needText(from), needText(to), needInteger(most, -1)),
  ),
  split: divided("split", false),
  rsplit: divided("rsplit", true),
  splitlines: method(
    "splitlines",
    ["keepends"],
    0,
    (text, [keep]) => splitLines(text, needInteger(keep, 0) !== 0),
  ),
  partition: parted("partition", false),
  rpartition: parted("rpartition", true),
  join: method("join", ["iterable"], 1, (text, [items]) => joined(text, items)),
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
    (text, [mark]) => text.startsWith(needText(mark)) ? text.slice(needText(mark).length) : text,
  ),
  removesuffix: method(
    "removesuffix",
    ["suffix"],
    1,
    (text, [mark]) =>
      needText(mark) !== "" && text.endsWith(needText(mark))
        ? text.slice(0, -needText(mark).length)
        : text,
  ),
};

/** As `str.center`: the odd blank goes to the left where the width is odd. */
export function centered(text: string, width: number, fill = " "): string {
  const missing = width - countCharacters(text);
  if (missing <= 0) return text;
  const left = Math.floor(missing / 2) + (missing & width & 1);
  return pad(pad(text, width - missing + left, ">", fill), width, "<", fill);
}
