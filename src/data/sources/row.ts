/**
 * A row of a file, and how formats take their fields out of it: by name, checked, with messages that
 * say where the row stands and what it holds.
 *
 * @module
 */

import { FileError } from "../../errors.ts";

/** The fields of an object, as JSON.parse gives them. */
export type Fields = Readonly<Record<string, unknown>>;

/** One row of a file: its fields, and where it stands (`rows.jsonl:12`). */
export interface Row {
  readonly fields: Fields;
  readonly origin: string;
  /** The line of JSON that it is, as the file has it; absent where it is no line of its own. */
  readonly line?: string;
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
    if (describe(item) === "an object") return { fields: item as Fields, origin };
    throw new FileError(`${origin}: found ${describe(item)}, wanted an object`);
  });
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
