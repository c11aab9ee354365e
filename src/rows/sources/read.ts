/**
 * Files in, rows out, one at a time: JSON lines, JSON arrays, tables and plain text are all read
 * line by line, so the text of a file is never held whole. Only a file that is one object is, of
 * Parquet a row group, and of Arrow a record batch.
 *
 * @module
 */

import { join } from "node:path";
import { FileError } from "../../errors.ts";
import { isFile, readJsonObject } from "../../io/files.ts";
import { pathInside } from "../../io/inside.ts";
import { tableRows } from "./csv.ts";
import { MAX_LINE_MIB, MAX_ROW_MIB, RowLength } from "./limits.ts";
import { readLines, unreadable } from "./lines.ts";
import { arrowRows, parquetRows } from "./tables/mod.ts";
import { describe, exactly, type Fields, type Row } from "./row.ts";
import { locateData } from "../../io/hub/mod.ts";
import { heed } from "../../stop.ts";

/** What divides the documents of a .txt file. */
export const DOCUMENT_SEPARATOR = "<|endoftext|>";

/** A whole string, or a character that opens, closes or divides. */
const STRUCTURE = /"(?:[^"\\]|\\.)*"?|[[\]{},]/g;
const READABLE = /\.(?:(jsonl?|txt|csv|tsv)(?:\.gz|\.zst)?|(parquet|arrow))$/i;
const KINDS =
  ".json, .jsonl, .csv, .tsv or .txt files, such a file as .gz or .zst, .parquet or .arrow";

/**
 * The files that a path stands for, sorted: a file itself, the readable files of a folder, those
 * whose name fits a pattern with `*` (`data/part-*.jsonl`), or those of a dataset on the hub, which are
 * downloaded where the cache lacks them. Of several paths, those of each in turn.
 *
 * @throws {FileError} if there is none, or a dataset cannot be had.
 */
export async function findFiles(path: string | readonly string[]): Promise<string[]> {
  if (typeof path !== "string") return (await Promise.all(path.map(findFiles))).flat();
  const located = await locateData(path);
  if (located !== null) return [...located.files];
  const nameAt = path.search(/[^\\/]*$/);
  const name = path.slice(nameAt);
  if (name.includes("*")) {
    const pattern = name.split("*").map((part) => part.replace(/\W/g, "\\$&")).join(".*");
    return await listFiles(path.slice(0, nameAt), path, new RegExp(`^${pattern}$`));
  }
  const { isDirectory } = await Deno.stat(path).catch((error) => {
    throw unreadable(path, error);
  });
  if (!isDirectory) return [path];
  return savedFiles(path) ?? await listFiles(path.replace(/\/*$/, "/"), path, READABLE);
}

/**
 * The rows of one file. A .txt file gives rows with the one field `text`; a .csv or .tsv file one row
 * a record; a .json or .jsonl file holds an array, one object a line, or (.json) one object over
 * many lines, told apart by how it begins; the rows of a .parquet or .arrow file have its columns.
 *
 * @throws {FileError} naming file and line for what cannot be read.
 */
export async function* readRows(path: string, maxMib = MAX_ROW_MIB): AsyncGenerator<Row> {
  const [, text, columns] = READABLE.exec(path) ?? [];
  const kind = (text ?? columns)?.toLowerCase();
  if (kind === undefined) {
    throw new FileError(`${path}: found an unknown kind of file, wanted ${KINDS}`);
  }
  let found = false;
  for await (const row of rowsOf(path, kind, maxMib)) {
    heed();
    found = true;
    yield row;
  }
  if (!found) throw new FileError(`${path}: found an empty file, wanted at least one row`);
}

function rowsOf(path: string, kind: string, maxMib: number): AsyncGenerator<Row> {
  if (kind === "parquet") return columnRows(parquetRows(path, maxMib));
  if (kind === "arrow") return columnRows(arrowRows(path, maxMib));
  if (kind === "txt") return textRows(path, maxMib);
  if (kind === "csv" || kind === "tsv") return tableRows(path, kind === "csv" ? "," : "\t", maxMib);
  return jsonRows(path, kind === "json", maxMib);
}

/**
 * The files of a folder that `save_to_disk` of Python's `datasets` has written, in their order; null for
 * any other folder.
 */
function savedFiles(folder: string): string[] | null {
  const [state, splits] = [join(folder, "state.json"), join(folder, "dataset_dict.json")];
  if (isFile(splits)) {
    const names = readJsonObject(splits)["splits"];
    throw new FileError(
      `${folder}: found a dataset of several splits, wanted the folder of one: ${
        Array.isArray(names) ? names.map((name) => join(folder, String(name))).join(", ") : "none"
      }`,
    );
  }
  if (!isFile(state)) return null;
  const files = readJsonObject(state)["_data_files"];
  if (!Array.isArray(files)) return null;
  return files.map((file) => pathInside(folder, String(file?.filename)));
}

async function listFiles(folder: string, path: string, pattern: RegExp): Promise<string[]> {
  const files: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder === "" ? "." : folder)) {
      if (!entry.isDirectory && pattern.test(entry.name)) files.push(folder + entry.name);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  if (files.length === 0) {
    throw new FileError(`${path}: found no file there, wanted ${KINDS}`);
  }
  return files.sort();
}

async function* textRows(path: string, maxMib: number): AsyncGenerator<Row> {
  let lines: string[] = [];
  let count = 0;
  const length = new RowLength(maxMib);
  const close = (): Row[] => {
    const text = lines.join("\n").trim();
    lines = [];
    length.next();
    return text === "" ? [] : [{ fields: { text }, origin: `${path} (document ${++count})` }];
  };
  for await (const line of readLines(path, MAX_LINE_MIB)) {
    const [first, ...others] = line.split(DOCUMENT_SEPARATOR);
    const push = (text: string) => {
      length.add(text.length + 1, () => `${path} (document ${count + 1})`);
      lines.push(text);
    };
    push(first!);
    for (const part of others) {
      yield* close();
      push(part);
    }
  }
  yield* close();
}

async function* columnRows(rows: ReturnType<typeof parquetRows>): AsyncGenerator<Row> {
  for await (const { json, origin } of rows) {
    yield { ...parseRow(json, origin), line: json };
  }
}

async function* jsonRows(
  path: string,
  mayBeObject: boolean,
  maxMib: number,
): AsyncGenerator<Row> {
  let number = 0;
  let first = true;
  for await (const line of readLines(path, maxMib)) {
    number++;
    if (line.trim() === "") continue;
    if (line.trimStart().startsWith("[")) return yield* arrayRows(path, maxMib);
    if (first && mayBeObject && !isWhole(line)) {
      yield await objectRow(path, maxMib);
      return;
    }
    first = false;
    yield { ...parseRow(line, `${path}:${number}`), line };
  }
}

/** Whether the line is JSON by itself, not the beginning of an object over many lines. */
function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** The file as one object; a fault in it has the line at which it shows. */
async function objectRow(path: string, maxMib: number): Promise<Row> {
  const lines: string[] = [];
  const length = new RowLength(maxMib);
  for await (const line of readLines(path, maxMib)) {
    length.add(line.length + 1, () => path);
    lines.push(line);
  }
  return parseRow(lines.join("\n"), path, () => `${path}:${faultyLine(lines)}`);
}

/** The first line by which JSON.parse finds a fault other than that the text ends. */
function faultyLine(lines: readonly string[]): number {
  let before = 0;
  let by = lines.length;
  while (by - before > 1) {
    const middle = (before + by) >> 1;
    if (isFaulty(lines.slice(0, middle).join("\n"))) by = middle;
    else before = middle;
  }
  return by;
}

/** Only an unexpected token comes without a position; at the end, the text is only cut short. */
function isFaulty(json: string): boolean {
  try {
    JSON.parse(json);
  } catch (error) {
    const { message } = error as Error;
    const position = /at position (\d+)/.exec(message)?.[1];
    if (position !== undefined) return Number(position) < json.length;
    return message.startsWith("Unexpected token");
  }
  return false;
}

/** Cuts the array into its elements at brackets and commas, so that a fault has a line and a row. */
async function* arrayRows(path: string, maxMib: number): AsyncGenerator<Row> {
  let depth = 0;
  let element = "";
  let row = 0; // 0 is the blank before the array opens
  let line = 0;
  let cutLine = 1;
  let closed = false;
  const length = new RowLength(maxMib);
  const origin = () => elementOrigin(path, cutLine, element.slice(0, 1 << 16), row);
  for await (const text of readLines(path, maxMib)) {
    line++;
    let begin = 0;
    for (const { 0: mark, index } of text.matchAll(STRUCTURE)) {
      if (closed) break;
      const cuts = mark === "[" ? depth === 0 : depth === 1 && (mark === "," || mark === "]");
      if (mark === "[" || mark === "{") depth++;
      if (mark === "]" || mark === "}") depth--;
      if (!cuts) continue;
      length.add(index - begin, origin);
      length.next();
      element += text.slice(begin, index);
      closed = mark === "]";
      const isEmptyArray = closed && row === 1 && element.trim() === "";
      if (row > 0 && !isEmptyArray) {
        const parsed = parseRow(element, elementOrigin(path, cutLine, element, row));
        yield parsed.exact ? { ...parsed, line: onOneLine(element) } : parsed;
      }
      row++;
      element = "";
      begin = index + 1;
      cutLine = line;
    }
    length.add(text.length - begin + 1, origin);
    element += text.slice(begin) + "\n";
  }
  if (!closed) {
    throw new FileError(
      `${origin()}: found the end of the file inside an array, wanted a closing ]`,
    );
  }
  if (element.trim() !== "") {
    throw new FileError(`${path}:${cutLine}: found more text after the end of the array`);
  }
}

/** JSON without the blanks between its parts: numbers and keys stay as they are written. */
const onOneLine = (json: string): string =>
  json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, text: string | undefined) => text ?? "");

/** The element begins after the blank that follows the last cut. */
function elementOrigin(path: string, cutLine: number, element: string, row: number): string {
  const blank = element.slice(0, element.length - element.trimStart().length);
  return `${path}:${cutLine + blank.split("\n").length - 1} (row ${row})`;
}

function parseRow(json: string, origin: string, placeOf = () => origin): Row {
  let fields: unknown;
  try {
    fields = JSON.parse(json);
  } catch (error) {
    const reason = (error as Error).message.replace(/( in JSON at position|, (\.\.\.)?").*$/s, "");
    throw new FileError(`${placeOf()}: found malformed JSON (${reason})`);
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw new FileError(`${origin}: found ${describe(fields)}, wanted an object`);
  }
  const exact = exactly(json);
  return { fields: fields as Fields, origin, ...(exact && { exact }) };
}
