/**
 * Tables of comma- or tab-separated values, as RFC 4180 has them: a field in quotes may hold the
 * separator, line ends and doubled quotes. The first record names the fields.
 *
 * @module
 */

import { FileError } from "../../errors.ts";
import { MAX_ROW_MIB, RowLength } from "./limits.ts";
import { readLines } from "./lines.ts";
import type { Row } from "./row.ts";

/** A record, and the line on which it begins. */
interface Record {
  readonly values: string[];
  readonly line: number;
}

/**
 * The rows of a table; blank lines are passed over, and line ends within quotes become LF.
 *
 * @throws {FileError} with the line, if a record has not as many fields as the header, or its quotes
 * are wrong.
 */
export async function* tableRows(
  path: string,
  separator: "," | "\t",
  maxMib = MAX_ROW_MIB,
): AsyncGenerator<Row> {
  let header: string[] | undefined;
  for await (const { values, line } of records(path, separator, maxMib)) {
    if (header === undefined) {
      header = checkHeader(values, `${path}:${line}`);
      continue;
    }
    const origin = `${path}:${line}`;
    if (values.length !== header.length) {
      const wanted = `${header.length} as in the header`;
      throw new FileError(`${origin}: found ${values.length} fields, wanted ${wanted}`);
    }
    yield { fields: Object.fromEntries(header.map((name, i) => [name, values[i]])), origin };
  }
}

function checkHeader(names: string[], origin: string): string[] {
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return names;
  throw new FileError(`${origin}: found the field ${twice} twice, wanted names that differ`);
}

async function* records(
  path: string,
  separator: string,
  maxMib: number,
): AsyncGenerator<Record> {
  let number = 0;
  let begun = 0;
  let open: string[] = []; // the lines of a record whose quotes are not closed yet
  let quotes = 0;
  const length = new RowLength(maxMib);
  for await (const line of readLines(path, maxMib)) {
    number++;
    if (open.length === 0) {
      if (line === "") continue;
      begun = number;
      length.next();
    }
    length.add(line.length + 1, () => `${path}:${begun}`);
    open.push(line);
    quotes += line.split('"').length - 1;
    if (quotes % 2 === 1) continue;
    yield { values: fieldsOf(open.join("\n"), separator, `${path}:${begun}`), line: begun };
    open = [];
    quotes = 0;
  }
  if (open.length > 0) {
    throw new FileError(`${path}:${begun}: found a quote that nothing closes, wanted a closing "`);
  }
}

function fieldsOf(record: string, separator: string, origin: string): string[] {
  const field = new RegExp(`(?:"((?:[^"]|"")*)"|([^"${separator}]*))(${separator}|$)`, "y");
  const values: string[] = [];
  for (;;) {
    const at = field.lastIndex;
    const match = field.exec(record);
    if (match === null) {
      const found = `a quote where none belongs in field ${values.length + 1}`;
      throw new FileError(`${origin}: found ${found}, wanted fields in quotes with "" within`);
    }
    values.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === "" || at > record.length) return values;
  }
}
