/**
 * Jinja's filters of single values: numbers, defaults, fields, JSON.
 *
 * @module
 */

import { spend, spendText } from "../budget.ts";
import type { Filter } from "../environment.ts";
import { attributeOnly } from "../methods/attributes.ts";
import { strip } from "../methods/blanks.ts";
import { roundFloat } from "../methods/numbers.ts";
import { needInteger, needText } from "../methods/strings.ts";
import { numeric, textOf, truth } from "../values/compare.ts";
import { dumps } from "../values/json.ts";
import { signed } from "../values/operators.ts";
import { MOST_DIGITS, str } from "../values/text.ts";
import { plainText } from "../values/traced.ts";
import { defined, Markup, Tuple, typeName, Undefined, type Value } from "../values/value.ts";

const otherwise: Filter = (value, args) => {
  const [given = "", boolean = false] = args.take("default", ["default_value", "boolean"]);
  const isMissing = value instanceof Undefined || (truth(boolean) && !truth(value));
  return isMissing ? given : value;
};

/** Digits as Python's `int` takes them; undefined where they are none. */
function integerOf(text: string, base: number): bigint | undefined {
  const bare = strip(text, null, "both").toLowerCase();
  const found = /^([-+]?)(0[box])?_?([\da-z]+(?:_[\da-z]+)*)$/.exec(bare);
  if (found === null) return undefined;
  const [, sign, prefix = "", digits = ""] = found;
  const radix = ({ "0b": 2, "0o": 8, "0x": 16 } as Record<string, number>)[prefix];
  if (radix !== undefined && base !== 0 && base !== radix) return undefined;
  const by = BigInt(radix ?? (base === 0 ? 10 : base));
  if (digits.length > MOST_DIGITS) return undefined;
  spend(digits.length);
  let value = 0n;
  for (const digit of digits.replaceAll("_", "")) {
    const worth = BigInt(parseInt(digit, 36));
    if (worth >= by) return undefined;
    value = value * by + worth;
  }
  return sign === "-" ? -value : value;
}

const FLOAT = /^[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|inf(?:inity)?|nan)$/i;

/** As Python's `float`; undefined where it is none. */
function floatOf(value: Value): number | undefined {
  const number = numeric(defined(value));
  if (number !== undefined) return Number(number);
  const text = textOf(value);
  if (text === undefined) return undefined;
  const bare = strip(text, null, "both").replaceAll("_", "");
  if (!FLOAT.test(bare)) return undefined;
  const word = /^([-+]?)(inf|nan)/i.exec(bare);
  if (word === null) return Number(bare);
  return word[2]!.toLowerCase() === "nan" ? NaN : word[1] === "-" ? -Infinity : Infinity;
}

const int: Filter = (value, args) => {
  const [given = 0n, base] = args.take("int", ["default", "base"]);
  const text = textOf(defined(value));
  const number = text === undefined ? numeric(value) : integerOf(text, needInteger(base, 10));
  if (typeof number === "bigint") return number;
  const float = number ?? floatOf(value);
  return float === undefined || !Number.isFinite(float) ? given : BigInt(Math.trunc(float));
};

const float: Filter = (value, args) => {
  const [given = 0] = args.take("float", ["default"]);
  return floatOf(value) ?? given;
};

const abs: Filter = (value) => {
  const number = numeric(value);
  if (typeof number === "number") return Math.abs(number);
  return number !== undefined && number >= 0n ? number : signed("-", value);
};

const round: Filter = (value, args) => {
  const [precision, method = "common"] = args.take("round", ["precision", "method"]);
  const number = numeric(defined(value));
  if (number === undefined) throw new TypeError(`found ${typeName(value)}, wanted a number`);
  const decimals = needInteger(precision, 0);
  if (method === "common") {
    return typeof number === "bigint"
      ? roundInteger(number, decimals)
      : roundFloat(number, decimals);
  }
  if (method !== "ceil" && method !== "floor") {
    throw new TypeError("method must be common, ceil or floor");
  }
  const unit = 10 ** decimals;
  return Math[method](Number(number) * unit) / unit;
};

/** Of an integer, Python's `round` gives an integer. */
function roundInteger(value: bigint, decimals: number): bigint {
  if (decimals >= 0) return value;
  const unit = 10n ** BigInt(Math.min(-decimals, MOST_DIGITS));
  const rest = ((value % unit) + unit) % unit;
  const down = value - rest;
  const isUp = 2n * rest > unit || (2n * rest === unit && (down / unit) % 2n !== 0n);
  return isUp ? down + unit : down;
}

/** As transformers has it: JSON as it is, with the options of `json.dumps`. */
export const tojson: Filter = (value, args) => {
  const names = ["ensure_ascii", "indent", "separators", "sort_keys"];
  const [ascii = false, indent = null, separators = null, sortKeys = false] = args.take(
    "tojson",
    names,
  );
  return dumps(value, {
    ensureAscii: truth(ascii),
    indent: indentOf(indent),
    ...(separators !== null && { separators: separatorsOf(separators) }),
    sortKeys: truth(sortKeys),
  });
};

function indentOf(indent: Value): string | null {
  if (indent === null) return null;
  const text = textOf(indent);
  if (text !== undefined) return text;
  const width = Math.max(0, needInteger(indent, 0));
  spendText(width);
  return " ".repeat(width);
}

function separatorsOf(value: Value): [string, string] {
  const items = value instanceof Tuple ? value.items : Array.isArray(value) ? value : [];
  if (items.length !== 2) throw new TypeError("separators: wanted a tuple of two texts");
  return [needText(items[0]), needText(items[1])];
}

/** As Jinja has it without transformers: safe in HTML, keys sorted. */
export const htmlJson: Filter = (value, args) => {
  const [indent = null] = args.take("tojson", ["indent"]);
  const json = dumps(value, { ensureAscii: true, indent: indentOf(indent), sortKeys: true });
  return new Markup(
    plainText(json).replace(
      /[<>&']/g,
      (mark) => `\\u00${mark.charCodeAt(0).toString(16).padStart(2, "0")}`,
    ),
  );
};

/** By name; `tojson` is one or the other. */
export const VALUE_FILTERS: Readonly<Record<string, Filter>> = {
  abs,
  attr: (value, args) => attributeOnly(value, str(args.take("attr", ["name"], 1)[0]!)),
  d: otherwise,
  default: otherwise,
  float,
  int,
  round,
};
