/**
 * Rows whose columns have other names than the fields of their format.
 *
 * @module
 */
import { Dict, type Value } from "../../jinja/values/value.ts";
import { readRows } from "./read.ts";
import { fault, fieldNames, own, type Row } from "./row.ts";

/** What of a source decides its rows. */
export interface RowSource {
  /** The column of the file for each field of a format: `{ instruction: "question" }`. */
  readonly columns?: Readonly<Record<string, string>>;
  /** The longest row in MiB, 64 where absent. */
  readonly max_row_mib?: number;
}

/**
 * The rows of a file under the names of fields that a source gives its columns; the other columns
 * keep theirs.
 *
 * @throws {FileError} as {@link readRows}, and for a row that lacks a column that is named.
 */
export async function* sourceRows(
  path: string,
  { columns, max_row_mib: maxMib }: RowSource,
): AsyncGenerator<Row> {
  const rows = readRows(path, maxMib);
  if (columns === undefined) return yield* rows;
  for await (const row of rows) yield renamed(row, columns);
}

function renamed(row: Row, columns: Readonly<Record<string, string>>): Row {
  const named = Object.entries(columns);
  for (const [field, column] of named) {
    if (Object.hasOwn(row.fields, column)) continue;
    throw fault(row, fieldNames(row), `the column ${column}, which columns names for ${field}`);
  }
  const taken = new Set([...Object.keys(columns), ...Object.values(columns)]);
  const kept = Object.entries(row.fields).filter(([name]) => !taken.has(name));
  const fields = Object.fromEntries([
    ...named.map(([field, column]) => [field, own(row.fields, column)] as const),
    ...kept,
  ]);
  const { exact, ...others } = row;
  if (exact === undefined) return { ...others, fields };
  return { ...others, fields, exact: () => renamedExactly(exact(), named, taken) };
}

function renamedExactly(
  value: Value | undefined,
  named: readonly (readonly [string, string])[],
  taken: ReadonlySet<string>,
): Value | undefined {
  if (!(value instanceof Dict)) return value;
  const kept = [...value.entries()].filter(([key]) => typeof key !== "string" || !taken.has(key));
  return new Dict([
    ...named.map(([field, column]) => [field, value.get(column) ?? null] as const),
    ...kept,
  ]);
}
