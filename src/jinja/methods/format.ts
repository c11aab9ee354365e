/**
 * Python's `format()` and its little language: `{:>8}`, `{:,.2f}`.
 *
 * @module
 */

import { spendText } from "../budget.ts";
import { numeric, textOf } from "../values/compare.ts";
import { floatText, integerText, pieceOf, repr, str } from "../values/text.ts";
import { built, type Piece } from "../values/traced.ts";
import { type Arguments, defined, Dict, typeName, type Value } from "../values/value.ts";
import { exponential, fixed, general, grouped } from "./numbers.ts";
import { type Align, pad } from "./pad.ts";

const SPEC =
  /^(?:([^])?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/u;

/** How a value is written: the parts of a specification. */
interface Spec {
  readonly fill: string | undefined;
  readonly align: Align | undefined;
  readonly sign: string;
  readonly isAlternate: boolean;
  readonly isZeroFilled: boolean;
  readonly width: number;
  readonly grouping: string | undefined;
  readonly precision: number | undefined;
  readonly type: string | undefined;
}

/**
 * A value under a specification.
 *
 * @throws {TypeError} where it is not one for such values.
 */
export function formatValue(value: Value, specification: string): string {
  if (specification === "") return str(value);
  const spec = specOf(specification);
  const text = textOf(value);
  if (text !== undefined) return formatText(text, spec, specification);
  const number = numeric(defined(value));
  if (number === undefined) {
    throw new TypeError(`unsupported format string passed to ${typeName(value)}.__format__`);
  }
  const digits = digitsOf(number, spec);
  const sign = digits.startsWith("-") ? "-" : spec.sign === "-" ? "" : spec.sign;
  const bare = digits.replace("-", "");
  const shown = sign + (spec.grouping ? grouped(bare, spec.grouping, groupSize(spec)) : bare);
  const { fill = spec.isZeroFilled ? "0" : " ", align = spec.isZeroFilled ? "=" : ">" } = spec;
  return pad(shown, spec.width, align, fill);
}

function specOf(specification: string): Spec {
  const found = SPEC.exec(specification);
  if (found === null) throw new TypeError(`Invalid format specifier '${specification}'`);
  const [, fill, align, sign = "-", , alternate, zero, width, grouping, precision, type] = found;
  return {
    fill,
    align: align as Align | undefined,
    sign,
    isAlternate: alternate !== undefined,
    isZeroFilled: zero !== undefined,
    width: Number(width ?? 0),
    grouping,
    precision: precision === undefined ? undefined : Number(precision),
    type,
  };
}

function formatText(text: string, spec: Spec, specification: string): string {
  const { fill = spec.isZeroFilled ? "0" : " ", align = "<", width, precision, type = "s" } = spec;
  if (type !== "s" || align === "=") {
    throw new TypeError(`Invalid format specifier '${specification}' for object of type 'str'`);
  }
  spendText(text.length);
  return pad(
    precision === undefined ? text : [...text].slice(0, precision).join(""),
    width,
    align,
    fill,
  );
}

const groupSize = ({ type = "d" }: Spec): number => "boxX".includes(type) ? 4 : 3;

const RADIX: Readonly<Record<string, readonly [radix: number, prefix: string]>> = {
  b: [2, "0b"],
  o: [8, "0o"],
  x: [16, "0x"],
  X: [16, "0X"],
};

function digitsOf(number: bigint | number, spec: Spec): string {
  const { type, precision, isAlternate } = spec;
  if (typeof number === "bigint" && (type === undefined || type === "d" || type === "n")) {
    return integerText(number);
  }
  if (type !== undefined && Object.hasOwn(RADIX, type)) {
    if (typeof number !== "bigint") throw wrongType(type, "float");
    const [radix, prefix] = RADIX[type]!;
    const digits = (number < 0n ? -number : number).toString(radix);
    const shown = (isAlternate ? prefix : "") + (type === "X" ? digits.toUpperCase() : digits);
    return number < 0n ? `-${shown}` : shown;
  }
  if (type === "c") return String.fromCodePoint(Number(number));
  return floatDigits(Number(number), type, precision, isAlternate);
}

/** A float as a type of the specification writes it. */
export function floatDigits(
  value: number,
  type: string | undefined,
  precision: number | undefined,
  isAlternate = false,
): string {
  switch (type) {
    case "f":
    case "F":
      return fixed(value, precision ?? 6);
    case "e":
      return exponential(value, precision ?? 6);
    case "E":
      return exponential(value, precision ?? 6).toUpperCase();
    case "%":
      return `${fixed(value * 100, precision ?? 6)}%`;
    case "g":
    case "n":
      return general(value, precision ?? 6, isAlternate);
    case "G":
      return general(value, precision ?? 6, isAlternate).toUpperCase();
    case undefined:
      return precision === undefined ? floatText(value) : withPoint(general(value, precision));
    default:
      throw wrongType(type, "float");
  }
}

const withPoint = (digits: string): string => /[.en]/.test(digits) ? digits : `${digits}.0`;

const wrongType = (type: string, name: string) =>
  new TypeError(`Unknown format code '${type}' for object of type '${name}'`);

const FIELD = /\{\{|\}\}|\{([^{}:!]*)(?:!([rsa]))?(?::((?:[^{}]|\{[^{}]*\})*))?\}|[{}]/g;

/**
 * Python's `str.format`.
 *
 * @param attribute reads a field of a value by `.` or `[]`.
 */
export function formatFields(
  piece: Piece,
  args: Arguments,
  attribute: (value: Value, name: Value) => Value,
): Piece {
  let automatic = 0;
  const lookUp = (field: string): Value => {
    const [first = "", ...path] = field.split(/\.|\[/);
    const name = first === "" ? String(automatic++) : first;
    const start = /^\d+$/.test(name) ? args.positional[Number(name)] : args.named.get(name);
    if (start === undefined) throw new RangeError(`no argument for the field {${field}}`);
    return path.reduce((value: Value, step) => {
      const key = step.replace(/\]$/, "");
      return attribute(value, step.endsWith("]") && /^\d+$/.test(key) ? BigInt(key) : key);
    }, start);
  };
  return built(piece, FIELD, ([mark, field, conversion, spec = ""]) => {
    if (mark === "{{" || mark === "}}") return mark[0]!;
    if (field === undefined) throw new TypeError(`Single '${mark}' encountered in format string`);
    const value = lookUp(field);
    if (conversion === undefined && spec === "") return pieceOf(value);
    const inner = spec.replace(/\{([^{}]*)\}/g, (_, name: string) => str(lookUp(name)));
    const shown = conversion === undefined ? value : conversion === "s" ? str(value) : repr(value);
    return formatValue(shown, inner);
  });
}

/** The arguments of `format_map`. */
export const namedOf = (dict: Value): Map<string, Value> =>
  new Map(dict instanceof Dict ? [...dict.entries()].map(([key, value]) => [str(key), value]) : []);
