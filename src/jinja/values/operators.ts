/**
 * Python's operators.
 *
 * @module
 */

import { spend, spendText } from "../budget.ts";
import { percentFormat } from "../methods/percent.ts";
import { escapeHtml } from "./html.ts";
import { hasPairs, listOf, numeric, textOf } from "./compare.ts";
import { pieceOf } from "./text.ts";
import { cut, joined, plainText, Traced } from "./traced.ts";
import { defined, Markup, Range, Tuple, typeName, type Value } from "./value.ts";

type Numbers = (a: number, b: number) => number;
type Integers = (a: bigint, b: bigint) => Value;

/** Bits beyond which no integer is computed with: Python writes none of 4,300 digits. */
const MOST_BITS = 20_000n;
const LIMIT = 2n ** MOST_BITS;

const floorDivide = (a: bigint, b: bigint): bigint => {
  const quotient = a / b;
  return a % b !== 0n && (a < 0n) !== (b < 0n) ? quotient - 1n : quotient;
};

/** Python's `divmod` of floats, as CPython computes it: the rest has the sign of the divisor. */
function floatDivision(a: number, b: number): [quotient: number, rest: number] {
  const zero = (sign: number) => sign < 0 || Object.is(sign, -0) ? -0 : 0;
  let rest = a % b;
  let quotient = (a - rest) / b;
  if (rest === 0) rest = zero(b);
  else if ((b < 0) !== (rest < 0)) {
    rest += b;
    quotient -= 1;
  }
  if (quotient === 0) return [zero(a / b), rest];
  const floor = Math.floor(quotient);
  return [quotient - floor > 0.5 ? floor + 1 : floor, rest];
}

const ARITHMETIC: Readonly<Record<string, readonly [Integers, Numbers]>> = {
  "+": [(a, b) => a + b, (a, b) => a + b],
  "-": [(a, b) => a - b, (a, b) => a - b],
  "*": [(a, b) => a * b, (a, b) => a * b],
  "/": [(a, b) => Number(a) / Number(b), (a, b) => a / b],
  "//": [floorDivide, (a, b) => floatDivision(a, b)[0]],
  "%": [
    (a, b) => a - floorDivide(a, b) * b,
    (a, b) => floatDivision(a, b)[1],
  ],
  "**": [
    (a, b) => b < 0n ? Number(a) ** Number(b) : a ** b,
    (a, b) => a ** b,
  ],
};

/**
 * A binary operator of Python but those that compare or decide.
 *
 * @throws {TypeError} for values that it is not for.
 */
export function binary(operator: string, a: Value, b: Value): Value {
  const [m, n] = [numeric(a), numeric(b)];
  if (m !== undefined && n !== undefined) return arithmetic(operator, m, n);
  const made = operator === "+"
    ? concatenated(a, b)
    : operator === "*"
    ? repeated(a, b)
    : operator === "%"
    ? formatted(a, b)
    : undefined;
  if (made !== undefined) return made;
  const types = `'${typeName(defined(a))}' and '${typeName(defined(b))}'`;
  throw new TypeError(`unsupported operand type(s) for ${operator}: ${types}`);
}

function arithmetic(operator: string, a: bigint | number, b: bigint | number): Value {
  const [integers, floats] = ARITHMETIC[operator]!;
  // deno-lint-ignore eqeqeq -- 0n and 0 alike
  if (["/", "//", "%"].includes(operator) && b == 0) throw new RangeError("division by zero");
  if (typeof a !== "bigint" || typeof b !== "bigint") {
    return floats(Number(a), Number(b));
  }
  const result = operator === "**" && isLargePower(a, b) ? LIMIT : integers(a, b);
  if (typeof result !== "bigint" || (result < LIMIT && result > -LIMIT)) return result;
  throw new RangeError(`an integer of more than ${MOST_BITS} bits`);
}

/** Whether a power has more bits than the limit, at least. */
const isLargePower = (a: bigint, b: bigint): boolean =>
  b > 0n && (a > 1n || a < -1n) && BigInt(a.toString(2).length - 1) * b > MOST_BITS;

function concatenated(a: Value, b: Value): Value | undefined {
  const [s, t] = [textOf(a), textOf(b)];
  if (s !== undefined && t !== undefined) {
    if (!(a instanceof Markup || b instanceof Markup)) return joined([pieceOf(a), pieceOf(b)]);
    return new Markup(escapeHtml(a) + escapeHtml(b));
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    spend(a.length + b.length);
    return [...a, ...b];
  }
  if (a instanceof Tuple && b instanceof Tuple) return new Tuple([...a.items, ...b.items]);
  return undefined;
}

function repeated(a: Value, b: Value): Value | undefined {
  const [given, what] = numeric(a) === undefined ? [b, a] : [a, b];
  const times = numeric(given);
  if (typeof times !== "bigint") return undefined;
  const count = times > 0n ? Number(times) : 0;
  const text = textOf(what);
  if (text !== undefined) {
    spendText(text.length * count);
    if (what instanceof Traced && count === 1) return what;
    const made = text.repeat(count);
    return what instanceof Markup ? new Markup(made) : made;
  }
  if (!Array.isArray(what) && !(what instanceof Tuple)) return undefined;
  const items = what instanceof Tuple ? what.items : what;
  spend(items.length * count);
  const made = Array.from({ length: count }, () => items).flat();
  return what instanceof Tuple ? new Tuple(made) : made;
}

function formatted(a: Value, b: Value): Value | undefined {
  return textOf(a) === undefined ? undefined : percentFormat(pieceOf(a), b);
}

/** Python's unary plus and minus. */
export function signed(operator: string, value: Value): Value {
  const number = numeric(defined(value));
  if (number === undefined) {
    throw new TypeError(`bad operand type for unary ${operator}: '${typeName(value)}'`);
  }
  return operator === "-" ? -number : number;
}

/**
 * Python's slices, of texts by characters.
 *
 * @throws {TypeError} for what has none.
 */
export function slice(value: Value, start: Value, stop: Value, step: Value): Value {
  const text = textOf(value);
  const isSliced = text !== undefined || Array.isArray(value) || value instanceof Tuple ||
    value instanceof Range;
  if (!isSliced) throw new TypeError(`'${typeName(defined(value))}' object is not subscriptable`);
  const items: readonly Value[] | string = value instanceof Tuple
    ? value.items
    : text === undefined || value instanceof Traced && hasPairs(text)
    ? listOf(value)
    : charactersOf(text);
  const length = items.length;
  const by = indexOf(step, 1);
  if (by === 0) throw new RangeError("slice step cannot be zero");
  const [low, high] = by > 0 ? [0, length] : [-1, length - 1];
  const clamp = (given: Value, otherwise: number) => {
    const index = indexOf(given, otherwise);
    if (given === null) return otherwise;
    return Math.min(high, Math.max(low, index < 0 ? index + length : index));
  };
  const [from, to] = by > 0
    ? [clamp(start, 0), clamp(stop, length)]
    : [clamp(start, length - 1), clamp(stop, -1)];
  if (by === 1 && typeof items === "string") {
    const piece = pieceOf(value);
    const made = cut(piece, from, Math.max(from, to));
    spendText(plainText(made).length);
    return made;
  }
  const count = Math.max(0, Math.ceil((to - from) / by));
  spend(count);
  const taken = Array.from({ length: count }, (_, i) => items[from + i * by]!);
  if (text !== undefined) return joined(taken.map(pieceOf));
  if (value instanceof Tuple) return new Tuple(taken);
  if (!(value instanceof Range)) return taken;
  const { start: first, step: stride } = value;
  return new Range(first + from * stride, first + to * stride, by * stride);
}

/** A text that is indexed by character: itself where each is one code unit. */
export function charactersOf(text: string): string | string[] {
  spendText(text.length);
  if (!hasPairs(text)) return text;
  spend(text.length / 2);
  return [...text];
}

function indexOf(value: Value, otherwise: number): number {
  if (value === null) return otherwise;
  const number = numeric(value);
  if (typeof number === "bigint") return Number(number);
  throw new TypeError("slice indices must be integers or None or have an __index__ method");
}
