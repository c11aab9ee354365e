/**
 * Values of Parquet as JSON, as Python's `datasets` writes it: whole numbers keep all digits, and 4.0
 * stays a number with a fraction.
 *
 * @module
 */
import { type FileMetaData, parquetSchema, type SchemaTree } from "../../../deps/parquet.ts";

/** JSON written out, which TypeScript's library does not know of yet. */
export const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };

/** A number of a column whose numbers may have a fraction: 4.0 stays one that has. */
export function fraction(value: number): unknown {
  const isWhole = Number.isInteger(value) && Math.abs(value) < 1e16;
  return isWhole ? rawJson(`${Object.is(value, -0) ? "-" : ""}${value}.0`) : value;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text in bytes; null for those that are none, such as those of an image. */
export function textOf(bytes: Uint8Array | undefined): string | null {
  if (bytes === undefined) return null;
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** Writes rows of a file with this schema as JSON. */
export function jsonOf(metadata: FileMetaData): (fields: Record<string, unknown>) => string {
  const columns = new Map(
    parquetSchema(metadata).children.map((column) => {
      const { name } = column.element;
      return [name, new Set(floatFields(column, name))] as const;
    }),
  );
  return (fields) =>
    JSON.stringify(Object.fromEntries(
      [...columns].map(([name, floats]) => [name, plain(fields[name], floats, name)]),
    ));
}

/** The names of the fields within a column that hold numbers with a fraction. */
function* floatFields({ element, children }: SchemaTree, field: string): Generator<string> {
  const { type, converted_type: converted, logical_type: logical } = element;
  const first = children[0];
  if (first === undefined) {
    if (type === "FLOAT" || type === "DOUBLE") yield field;
  } else if (converted === "LIST" || logical?.type === "LIST") { // a group repeats, with one item in it
    yield* floatFields(first.children.length === 1 ? first.children[0]! : first, field);
  } else for (const child of children) yield* floatFields(child, child.element.name);
}

/** A value that `JSON.stringify` writes as it is meant. */
function plain(value: unknown, floats: ReadonlySet<string>, field: string): unknown {
  switch (typeof value) {
    case "bigint":
      return rawJson(String(value));
    case "number":
      return floats.has(field) ? fraction(value) : value;
    case "undefined":
      return null;
    case "object":
      break;
    default:
      return value;
  }
  if (value === null || value instanceof Date) return value;
  if (value instanceof Uint8Array) return textOf(value);
  if (Array.isArray(value)) return value.map((item) => plain(item, floats, field));
  return Object.fromEntries(
    Object.entries(value!).map(([name, inner]) => [name, plain(inner, floats, name)]),
  );
}
