/**
 * How values compare, what holds for truth, and what they are made of.
 *
 * @module
 */

import { spend, spendText } from "../budget.ts";
import { cut, Traced } from "./traced.ts";
import {
  Callable,
  defined,
  Dict,
  Generator,
  Instance,
  Markup,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from "./value.ts";

/** Whether Python takes a value for true. */
export function truth(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === "boolean") return value;
  if (typeof value === "string") return value !== "";
  if (typeof value === "bigint") return value !== 0n;
  if (typeof value === "number") return value !== 0;
  if (value instanceof Markup || value instanceof Traced) return value.text !== "";
  return sizeOf(value) !== 0;
}

/** How many items a container has; undefined where it has no length. */
function sizeOf(value: Value): number | undefined {
  if (Array.isArray(value) || value instanceof Range) return value.length;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  return value instanceof View ? value.dict.size : undefined;
}

/** A number, where Python computes with the value; truth values are 0 and 1. */
export function numeric(value: Value): bigint | number | undefined {
  if (typeof value === "boolean") return value ? 1n : 0n;
  return typeof value === "bigint" || typeof value === "number" ? value : undefined;
}

/** The text of a string. */
export function textOf(value: Value): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof Markup || value instanceof Traced ? value.text : undefined;
}

/** Python's `==`. */
export function equal(a: Value, b: Value): boolean {
  spend();
  const [m, n] = [numeric(a), numeric(b)];
  // deno-lint-ignore eqeqeq -- 1n and 1 are equal in Python, and as numbers of two kinds here
  if (m !== undefined && n !== undefined) return m == n;
  const [s, t] = [textOf(a), textOf(b)];
  if (s !== undefined && t !== undefined) {
    if (s.length !== t.length) return false;
    spendText(s.length);
    return s === t;
  }

  if (Array.isArray(a) && Array.isArray(b)) return sameItems(a, b);
  if (a instanceof Tuple && b instanceof Tuple) return sameItems(a.items, b.items);
  if (a instanceof Dict && b instanceof Dict) return sameEntries(a, b);
  if (a instanceof Range && b instanceof Range) return sameItems([...iterate(a)], [...iterate(b)]);
  return a === b || (a instanceof Undefined && b instanceof Undefined);
}

function sameItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, i) => equal(item, b[i]!));
}

function sameEntries(a: Dict, b: Dict): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a.entries()) {
    const other = b.get(key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

/**
 * Below 0 where `a` is smaller, above where it is larger.
 *
 * @throws {TypeError} where Python does not order the two.
 */
export function order(a: Value, b: Value, operator = "<"): number {
  spend();
  const [m, n] = [numeric(a), numeric(b)];
  if (m !== undefined && n !== undefined) {
    return m < n ? -1 : m > n ? 1 : m === n ? 0 : m == n ? 0 : NaN;
  }
  const [s, t] = [textOf(a), textOf(b)];
  if (s !== undefined && t !== undefined) return orderTexts(s, t);
  const lists = Array.isArray(a) && Array.isArray(b)
    ? [a, b]
    : a instanceof Tuple && b instanceof Tuple
    ? [a.items, b.items]
    : undefined;
  if (lists === undefined) {
    defined(a);
    defined(b);
    const types = `'${typeName(a)}' and '${typeName(b)}'`;
    throw new TypeError(`'${operator}' not supported between instances of ${types}`);
  }
  const [left, right] = lists as [readonly Value[], readonly Value[]];
  const at = left.findIndex((item, i) => i >= right.length || !equal(item, right[i]!));
  if (at < 0) return left.length - right.length;
  return at >= right.length ? 1 : order(left[at]!, right[at]!, operator);
}

/** By code points, not by the halves of surrogate pairs. */
export function orderTexts(a: string, b: string): number {
  if (a === b) return 0;
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  spend(at / 4);

  const isPair = (text: string) => at > 0 && /[\udc00-\udfff]/.test(text[at] ?? "");
  if (isPair(a) || isPair(b)) at--;
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1);
}

/** Python's `in`. */
export function contains(container: Value, item: Value): boolean {
  const text = textOf(container);
  if (text !== undefined) {
    const part = textOf(defined(item));
    if (part === undefined) {
      throw new TypeError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
    }
    spendText(text.length);
    return text.includes(part);
  }
  if (container instanceof Dict) return container.has(item);
  if (container instanceof View && container.kind === "keys") return container.dict.has(item);
  for (const other of iterate(container)) if (equal(other, item)) return true;
  return false;
}

/**
 * The items of a list, characters of a text or keys of a dict, each paid for.
 *
 * @throws {TypeError} for what has none.
 */
export function* iterate(value: Value): Iterable<Value> {
  for (const item of itemsOf(value)) {
    spend();
    yield item;
  }
}

function itemsOf(value: Value): Iterable<Value> {
  if (value instanceof Traced) return charactersIn(value);
  const text = textOf(value);
  if (text !== undefined) return text;
  if (Array.isArray(value)) return value;
  if (value instanceof Tuple) return value.items;
  if (value instanceof Dict) return value.keys();
  if (value instanceof View) return value.items();
  if (value instanceof Generator) return value.rest();
  if (value instanceof Range) return rangeItems(value);
  if (value instanceof Undefined) return [];
  throw new TypeError(`'${typeName(value)}' object is not iterable`);
}

function* charactersIn(traced: Traced): Iterable<Value> {
  let at = 0;
  for (const character of traced.text) yield cut(traced, at, at += character.length);
}

function* rangeItems(range: Range): Iterable<bigint> {
  for (let i = 0; i < range.length; i++) yield range.at(i);
}

/** A list of a value's items. */
export function listOf(value: Value): Value[] {
  return [...iterate(value)];
}

/** Python's `len`. */
export function lengthOf(value: Value): bigint {
  if (value instanceof Undefined) return 0n;
  const text = textOf(value);
  const length = text === undefined ? sizeOf(value) : countCharacters(text);
  if (length !== undefined) return BigInt(length);
  throw new TypeError(`object of type '${typeName(value)}' has no len()`);
}

/** Whether a text has characters of two code units. */
export const hasPairs = (text: string): boolean => /[\ud800-\udfff]/.test(text);

/** Characters, as Python counts them. */
export function countCharacters(text: string): number {
  spendText(text.length);
  if (!hasPairs(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** What Python calls `callable`. */
export const isCallable = (value: Value): value is Callable | Instance =>
  value instanceof Callable || value instanceof Instance;

/** Whether a value can be walked through. */
export function isIterable(value: Value): boolean {
  return textOf(value) !== undefined || sizeOf(value) !== undefined ||
    value instanceof Generator || value instanceof Undefined;
}

/** What Jinja's test `sequence` holds for: it has a length and can be subscripted. */
export function isSequence(value: Value): boolean {
  return textOf(value) !== undefined || Array.isArray(value) || value instanceof Tuple ||
    value instanceof Dict || value instanceof Range || value instanceof Undefined;
}
