/**
 * Values as Python's `str()` and `repr()` write them.
 *
 * @module
 */

import { spend } from "../budget.ts";
import { textOf } from "./compare.ts";
import { joined, type Piece, plainText, substituted, Traced } from "./traced.ts";
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
export const str = (value: Value): string => textOf(value) ?? plainText(pieceOf(value));

/** The same, with where it comes from. */
export function pieceOf(value: Value): Piece {
  if (typeof value === "string" || value instanceof Traced) return value;
  if (value instanceof Undefined) return "";
  return value instanceof Markup ? value.text : reprPiece(value);
}

/** A value as `repr()` writes it. */
export const repr = (value: Value): string => plainText(reprPiece(value));

/** The same, with where it comes from. */
export function reprPiece(value: Value): Piece {
  spend();
  if (value === null) return "None";
  if (typeof value === "string" || value instanceof Traced) return quoted(value);
  if (typeof value === "bigint") return integerText(value);
  if (typeof value === "number") return floatText(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return joined(["[", reprs(value), "]"]);
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Tuple) {
    return joined(["(", reprs(value.items), value.items.length === 1 ? ",)" : ")"]);
  }
  if (value instanceof Dict) return joined(["{", entryReprs(value), "}"]);
  if (value instanceof Markup) return `Markup(${plainText(quoted(value.text))})`;
  if (value instanceof Range) {
    const { start, stop, step } = value;
    return `range(${start}, ${stop}${step === 1 ? "" : `, ${step}`})`;
  }
  if (value instanceof View) return joined([`dict_${value.kind}([`, reprs(value.items()), "])"]);
  if (value instanceof Namespace) return `<Namespace ${repr(new Dict(value.fields))}>`;
  return unprintable(value);
}

/** What Python writes with an address, which no two runs have in common. */
function unprintable(value: Generator | Callable | Instance): never {
  const wanted =
    "wanted text, a number, a list or a dict (a filter may want | list, a call its ())";
  throw new TypeError(`Found ${typeName(value)} where text is written, ${wanted}`);
}

const reprs = (items: readonly Value[]): Piece => joined(items.map(reprPiece), ", ");

const entryReprs = (dict: Dict): Piece =>
  joined(
    Array.from(dict.entries(), ([key, one]) => joined([reprPiece(key), ": ", reprPiece(one)])),
    ", ",
  );

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
  "'": "\\'",
  '"': '\\"',
};
/** What Python escapes: quotes, separators, and what has no picture. */
const UNPRINTABLE = /['"\\\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}]/gu;

/** `repr()` of a text: single quotes, unless only they are in it. */
function quoted(piece: Piece): Piece {
  const text = plainText(piece);
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = substituted(
    piece,
    UNPRINTABLE,
    (mark) => mark === " " || (/['"]/.test(mark) && mark !== quote) ? mark : escapedMark(mark),
  );
  return joined([quote, escaped, quote]);
}

function escapedMark(mark: string): string {
  const known = ESCAPES[mark];
  if (known !== undefined) return known;
  const code = mark.codePointAt(0)!;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
