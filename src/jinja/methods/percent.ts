/**
 * Python's `%` between a text and values.
 *
 * @module
 */

import { numeric, textOf } from "../values/compare.ts";
import { integerText, pieceOf, repr, str } from "../values/text.ts";
import { built, type Piece } from "../values/traced.ts";
import { Dict, Range, Tuple, typeName, Undefined, type Value } from "../values/value.ts";
import { floatDigits } from "./format.ts";
import { pad } from "./pad.ts";

const DIRECTIVE = /%(?:\(([^()]*)\))?([-#0 +]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?([^])?/g;

/**
 * The text with each directive replaced by its value.
 *
 * @throws {TypeError} where there are too few or too many, or one of another kind.
 */
export function percentFormat(piece: Piece, values: Value): Piece {
  const list = values instanceof Tuple ? values.items : [values];
  let used = 0;
  let isNamed = false;
  const next = (): Value => {
    if (used < list.length) return list[used++]!;
    throw new TypeError("not enough arguments for format string");
  };
  const size = (given: string | undefined) => given === "*" ? Number(str(next())) : Number(given);
  const made = built(piece, DIRECTIVE, ([, name, flags = "", width, precision, type]) => {
    if (type === "%") return "%";
    const minimum = width === undefined ? 0 : size(width);
    const most = precision === undefined ? undefined : size(precision || "0");
    if (name !== undefined) isNamed = true;
    const value = name === undefined ? next() : named(values, name);
    if (type === "s" && minimum === 0 && most === undefined) return pieceOf(value);
    const shown = converted(value, type, most, flags);
    const isZeroFilled = flags.includes("0") && !"crsa".includes(type ?? "");
    const align = flags.includes("-") || minimum < 0 ? "<" : isZeroFilled ? "=" : ">";
    return pad(shown, Math.abs(minimum), align, align === "=" ? "0" : " ");
  });
  if (used < list.length && !isNamed && !hasItems(values)) {
    throw new TypeError("not all arguments converted during string formatting");
  }
  return made;
}

/** What Python takes for a mapping, which need not be used up. */
const hasItems = (value: Value): boolean =>
  value instanceof Dict || Array.isArray(value) || value instanceof Range ||
  value instanceof Undefined;

function named(values: Value, name: string): Value {
  const value = values instanceof Dict ? values.get(name) : undefined;
  if (value !== undefined) return value;
  throw new TypeError(`found no '${name}' for the format string`);
}

function converted(
  value: Value,
  type: string | undefined,
  most: number | undefined,
  flags: string,
) {
  const cut = (text: string) => most === undefined ? text : [...text].slice(0, most).join("");
  if (type === "s") return cut(str(value));
  if (type === "r" || type === "a") return cut(repr(value));
  if (type === "c") return textOf(value) ?? String.fromCodePoint(Number(numeric(value)));
  const number = numeric(value);
  if (type === undefined || !"diuoxXeEfFgG".includes(type)) {
    throw new TypeError(`unsupported format character '${type ?? "end of text"}'`);
  }
  if (number === undefined) {
    throw new TypeError(`%${type} format: a real number is required, not ${typeName(value)}`);
  }
  const digits = "diu".includes(type)
    ? integerText(typeof number === "bigint" ? number : BigInt(Math.trunc(number)))
    : "oxX".includes(type)
    ? radixDigits(BigInt(number), type, flags.includes("#"))
    : floatDigits(Number(number), type, most, flags.includes("#"));
  const sign = flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  const padded = "diuoxX".includes(type) && most !== undefined
    ? pad(digits, most, "=", "0")
    : digits;
  return digits.startsWith("-") ? padded : sign + padded;
}

function radixDigits(number: bigint, type: string, isAlternate: boolean): string {
  const digits = (number < 0n ? -number : number).toString(type === "o" ? 8 : 16);
  const shown = type === "X" ? digits.toUpperCase() : digits;
  return (number < 0n ? "-" : "") + (isAlternate ? `0${type}` : "") + shown;
}
