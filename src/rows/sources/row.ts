/**
 * A row of a file, and how formats take their fields out of it: by name, checked, with messages that
 * say where the row stands and what it holds.
 *
 * @module
 */

import { FileError } from "../../errors.ts";
import { dumps, loads } from "../../jinja/values/json.ts";
import { plainText } from "../../jinja/values/traced.ts";
import { Dict, fromPlain, type Value } from "../../jinja/values/value.ts";

/** The fields of an object, as JSON.parse gives them. */
export type Fields = Readonly<Record<string, unknown>>;

/** One row of a file: its fields, and where it stands (`rows.jsonl:12`). */
export interface Row {
  readonly fields: Fields;
  readonly origin: string;
  /**
   * The line of JSON that it is, as the file has it; absent where it is no line of its own, unless its
   * numbers or keys would not be written again as they are.
   */
  readonly line?: string;
  /** Its JSON as it is written, where `fields` may lack something: 10.0, 2^53 + 1, the order of keys. */
  readonly exact?: () => Value | undefined;
}

/** What a value is, for messages: `nothing`, `an array`, `a string`, ... */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/**
 * The string in a field.
 *
 * @param absent what stands for null or a field that is not there; such a field is refused without.
 * @throws {FileError} if it is no string, or holds half of a surrogate pair.
 */
export function text(row: Row, field: string, absent?: string): string {
  const value = own(row.fields, field) ?? absent;
  if (typeof value !== "string") throw fieldFault(row, field, "a string");
  if (value.isWellFormed()) return value;
  throw fault(row, `a lone surrogate in ${field}`, "well-formed Unicode");
}

/** The integers in a field. Errors as `text`. */
export function integers(row: Row, field: string): number[] {
  const value = array(row, field, "an array of integers");
  const odd = value.findIndex((item) => !Number.isInteger(item));
  if (odd < 0) return value as number[];
  throw fault(row, `${JSON.stringify(value[odd])} in ${field}[${odd}]`, "an integer");
}

/** The objects in a field, each as a row of its own: `rows.jsonl:12 (messages[0])`. */
export function objects(row: Row, field: string): Row[] {
  return array(row, field, "an array of objects").map((item, i) => {
    const origin = `${row.origin} (${field}[${i}])`;
    const exact = inside(inside(row.exact, field), i);
    if (describe(item) === "an object") {
      return { fields: item as Fields, origin, ...(exact && { exact }) };
    }

    throw new FileError(`${origin}: found ${describe(item)}, wanted an object`);
  });
}

/** A field or an item of a value that is yet to be read exactly. */
function inside(exact: Row["exact"], key: string | number): Row["exact"] {
  return exact && (() => {
    const value = exact();
    if (typeof key === "number") return Array.isArray(value) ? value[key] : undefined;
    return value instanceof Dict ? value.get(key) : undefined;
  });
}

/** The object in a field, as a row of its own. */
export function objectIn(row: Row, field: string, origin = row.origin): Row {
  const exact = inside(row.exact, field);
  return { fields: row.fields[field] as Fields, origin, ...(exact && { exact }) };
}

/** The JSON of a field, or that which is its text, where JavaScript's numbers and keys lack something of it. */
export function exactJson(row: Row, field: string): string | undefined {
  const value = own(row.fields, field);
  const exact = typeof value === "string" ? exactly(value) : inside(row.exact, field);
  const found = exact?.();
  if (found === undefined) return undefined;
  const json = plainText(dumps(found));
  const plain = typeof value === "string" ? JSON.parse(value) : value;
  return json === plainText(dumps(fromPlain(plain))) ? undefined : json;
}

/** Numbers with a fraction or an exponent, large ones, minus zero, and keys that are integers. */
const MAY_DIFFER = /\d[.eE]|\d{16}|-0|"-?\d+"\s*:/;

/** Reads JSON exactly when it is asked for; undefined where `JSON.parse` loses nothing of it. */
export function exactly(json: string): Row["exact"] {
  if (!MAY_DIFFER.test(json)) return undefined;
  let known: Value | undefined;
  let isRead = false;
  return () => {
    if (isRead) return known;
    isRead = true;
    try {
      known = loads(json);
    } catch { /* deeper or longer than Python reads: what JSON.parse has is all there is */ }
    return known;
  };
}

/** The array in a field. Errors as `text`. */
export function array(row: Row, field: string, wanted = "an array"): unknown[] {
  const value = own(row.fields, field);
  if (Array.isArray(value)) return value;
  throw fieldFault(row, field, wanted);
}

/** The value of a field of the object itself, never of what it inherits. */
export function own(fields: Fields, field: string): unknown {
  return Object.hasOwn(fields, field) ? fields[field] : undefined;
}

/** What a row holds, for messages. */
export function fieldNames(row: Row): string {
  const names = Object.keys(row.fields);
  return names.length === 0 ? "no fields" : `the fields ${names.join(", ")}`;
}

/** An error of one row. */
export function fault(row: Row, found: string, wanted: string): FileError {
  return new FileError(`${row.origin}: found ${found}, wanted ${wanted}`);
}

/** An error of one field: it is not there, or not what is wanted. */
export function fieldFault(row: Row, field: string, wanted: string): FileError {
  const value = own(row.fields, field);
  if (value === undefined) return fault(row, fieldNames(row), `the field ${field}, ${wanted}`);
  return fault(row, `${describe(value)} in ${field}`, wanted);
}
