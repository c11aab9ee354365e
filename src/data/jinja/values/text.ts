/**
 * Values as Python's `str()` and `repr()` write them.
 *
 * @module
 */

import { spend, spendText } from "../budget.ts";
import { textOf } from "./compare.ts";
import {
  type Callable,
  Dict,
  type Generator,
  type Instance,
  Markup,
  Namespace,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from "./value.ts";

/** Digits beyond which Python neither reads nor writes an integer. */
export const MOST_DIGITS = 4300;

/** A value as `str()` writes it; what is not there is nothing. */
export function str(value: Value): string {
  return textOf(value) ?? (value instanceof Undefined ? "" : repr(value));
}

/** A value as `repr()` writes it. */
export function repr(value: Value): string {
  spend();
  if (value === null) return "None";
  if (typeof value === "string") return quoted(value);
  if (typeof value === "bigint") return integerText(value);
  if (typeof value === "number") return floatText(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${reprs(value)}]`;
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Tuple) {
    return `(${reprs(value.items)}${value.items.length === 1 ? "," : ""})`;
  }
  if (value instanceof Dict) return `{${entryReprs(value)}}`;
  if (value instanceof Markup) return `Markup(${quoted(value.text)})`;
  if (value instanceof Range) {
    const { start, stop, step } = value;
    return `range(${start}, ${stop}${step === 1 ? "" : `, ${step}`})`;
  }
  if (value instanceof View) return `dict_${value.kind}([${reprs(value.items())}])`;
  if (value instanceof Namespace) return `<Namespace ${repr(new Dict(value.fields))}>`;
  return unprintable(value);
}

/** What Python writes with an address, which no two runs have in common. */
function unprintable(value: Generator | Callable | Instance): never {
  const wanted =
    "wanted text, a number, a list or a dict (a filter may want | list, a call its ())";
  throw new TypeError(`Found ${typeName(value)} where text is written, ${wanted}`);
}

function reprs(items: readonly Value[]): string {
  return paid(items.map(repr).join(", "));
}

function entryReprs(dict: Dict): string {
  return paid(
    Array.from(dict.entries(), ([key, value]) => `${repr(key)}: ${repr(value)}`).join(", "),
  );
}

function paid(text: string): string {
  spendText(text.length);
  return text;
}

/** An integer in decimal digits. */
export function integerText(value: bigint): string {
  const text = value.toString();
  if (text.length <= MOST_DIGITS) return text;
  throw new RangeError(`an integer of more than ${MOST_DIGITS} digits`);
}

/** A float as `repr()` writes it: the shortest digits that make it again. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [digits = "", power = ""] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? "-" : "+";
    return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  if (exponent < 0) return plainDigits(value, digits, exponent);
  const text = value.toString();
  return text.includes(".") ? text : `${text}.0`;
}

/** JavaScript writes numbers below 1e-6 with an exponent already. */
function plainDigits(value: number, digits: string, exponent: number): string {
  const bare = digits.replace("-", "").replace(".", "");
  return `${value < 0 ? "-" : ""}0.${"0".repeat(-exponent - 1)}${bare}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\\": "\\\\",
};
/** What Python does not print: separators, and what has no picture. */
const UNPRINTABLE = /[\\\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}]/gu;

/** `repr()` of a text: single quotes, unless only they are in it. */
export function quoted(text: string): string {
  spendText(text.length);
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(UNPRINTABLE, (mark) => mark === " " ? mark : escapedMark(mark));
  return quote + escaped.replaceAll(quote, `\\${quote}`) + quote;
}

function escapedMark(mark: string): string {
  const known = ESCAPES[mark];
  if (known !== undefined) return known;
  const code = mark.codePointAt(0)!;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
