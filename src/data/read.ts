/**
 * Files in, rows out, one at a time: JSON lines, JSON arrays and plain text are all read line by
 * line, so the text of a file is never held whole.
 *
 * @module
 */

import { FileError } from "../errors.ts";

/** One row of a file: its fields, and where it stands (`rows.jsonl:12`). */
export interface Row {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly origin: string;
}

/** What divides the documents of a .txt file. */
export const DOCUMENT_SEPARATOR = "<|endoftext|>";

const NEWLINE = 10;
/** A whole string, or a character that opens, closes or divides. */
const STRUCTURE = /"(?:[^"\\]|\\.)*"?|[[\]{},]/g;
const READABLE = /\.(jsonl?|txt)$/i;

/**
 * The files that a path stands for, sorted: a file itself, the .json, .jsonl and .txt files of a
 * folder, or those whose name fits a pattern with `*` (`data/part-*.jsonl`).
 *
 * @throws {FileError} if there is none.
 */
export async function findFiles(path: string): Promise<string[]> {
  const nameAt = path.search(/[^\\/]*$/);
  const name = path.slice(nameAt);
  if (name.includes("*")) {
    const pattern = name.split("*").map((part) => part.replace(/\W/g, "\\$&")).join(".*");
    return await listFiles(path.slice(0, nameAt), path, new RegExp(`^${pattern}$`));
  }
  const { isDirectory } = await Deno.stat(path).catch((error) => {
    throw unreadable(path, error);
  });
  return isDirectory ? await listFiles(path.replace(/\/*$/, "/"), path, READABLE) : [path];
}

/**
 * The rows of one file. A .txt file gives rows with the one field `text`; a .json or .jsonl file
 * holds an array or one object a line, told apart by the first character.
 *
 * @throws {FileError} naming file and line for what cannot be read.
 */
export async function* readRows(path: string): AsyncGenerator<Row> {
  if (!READABLE.test(path)) {
    throw new FileError(`${path}: found an unknown kind of file, wanted .json, .jsonl or .txt`);
  }
  let found = false;
  for await (const row of /\.txt$/i.test(path) ? textRows(path) : jsonRows(path)) {
    found = true;
    yield row;
  }
  if (!found) throw new FileError(`${path}: found an empty file, wanted at least one row`);
}

/** What a value is, for messages: `null`, `an array`, `a string`, ... */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
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
    throw new FileError(`${path}: found no file there, wanted .json, .jsonl or .txt files`);
  }
  return files.sort();
}

async function* textRows(path: string): AsyncGenerator<Row> {
  let lines: string[] = [];
  let count = 0;
  const close = (): Row[] => {
    const text = lines.join("\n").trim();
    lines = [];
    return text === "" ? [] : [{ fields: { text }, origin: `${path} (document ${++count})` }];
  };
  for await (const line of readLines(path)) {
    const [first, ...others] = line.split(DOCUMENT_SEPARATOR);
    lines.push(first!);
    for (const part of others) {
      yield* close();
      lines.push(part);
    }
  }
  yield* close();
}

async function* jsonRows(path: string): AsyncGenerator<Row> {
  let number = 0;
  for await (const line of readLines(path)) {
    number++;
    if (line.trim() === "") continue;
    if (line.trimStart().startsWith("[")) return yield* arrayRows(path);
    yield parseRow(line, `${path}:${number}`);
  }
}

/** Cuts the array into its elements at brackets and commas, so that a fault has a line and a row. */
async function* arrayRows(path: string): AsyncGenerator<Row> {
  let depth = 0;
  let element = "";
  let row = 0; // 0 is the blank before the array opens
  let line = 0;
  let cutLine = 1;
  let closed = false;
  for await (const text of readLines(path)) {
    line++;
    let begin = 0;
    for (const { 0: mark, index } of text.matchAll(STRUCTURE)) {
      if (closed) break;
      const cuts = mark === "[" ? depth === 0 : depth === 1 && (mark === "," || mark === "]");
      if (mark === "[" || mark === "{") depth++;
      if (mark === "]" || mark === "}") depth--;
      if (!cuts) continue;
      element += text.slice(begin, index);
      closed = mark === "]";
      const isEmptyArray = closed && row === 1 && element.trim() === "";
      if (row > 0 && !isEmptyArray) {
        yield parseRow(element, elementOrigin(path, cutLine, element, row));
      }
      row++;
      element = "";
      begin = index + 1;
      cutLine = line;
    }
    element += text.slice(begin) + "\n";
  }
  if (!closed) {
    const origin = elementOrigin(path, cutLine, element, row);
    throw new FileError(`${origin}: found the end of the file inside an array, wanted a closing ]`);
  }
  if (element.trim() !== "") {
    throw new FileError(`${path}:${cutLine}: found more text after the end of the array`);
  }
}

/** The element begins after the blank that follows the last cut. */
function elementOrigin(path: string, cutLine: number, element: string, row: number): string {
  const blank = element.slice(0, element.length - element.trimStart().length);
  return `${path}:${cutLine + blank.split("\n").length - 1} (row ${row})`;
}

function parseRow(json: string, origin: string): Row {
  let fields: unknown;
  try {
    fields = JSON.parse(json);
  } catch (error) {
    const reason = (error as Error).message.replace(/( in JSON at position|, (\.\.\.)?").*$/s, "");
    throw new FileError(`${origin}: found malformed JSON (${reason})`);
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw new FileError(`${origin}: found ${describe(fields)}, wanted an object`);
  }
  return { fields: fields as Row["fields"], origin };
}

/** Lines without their line end (LF or CRLF) and without a byte order mark. */
async function* readLines(path: string): AsyncGenerator<string> {
  const file = await Deno.open(path).catch((error) => {
    throw unreadable(path, error);
  });
  let number = 1;
  let pieces: Uint8Array[] = [];
  for await (const chunk of file.readable) {
    let begin = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, begin)) >= 0; begin = end + 1) {
      yield decodeLine([...pieces, chunk.subarray(begin, end)], `${path}:${number++}`);
      pieces = [];
    }
    if (begin < chunk.length) pieces.push(chunk.subarray(begin));
  }
  if (pieces.length > 0) yield decodeLine(pieces, `${path}:${number}`);
}

function decodeLine(pieces: Uint8Array[], origin: string): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    const text = pieces.map((piece) => decoder.decode(piece, { stream: true })).join("");
    return (text + decoder.decode()).replace(/\r$/, "");
  } catch {
    throw new FileError(`${origin}: found bytes that are not UTF-8, wanted UTF-8 text`);
  }
}

function unreadable(path: string, error: unknown): FileError {
  const reason = error instanceof Deno.errors.NotFound ? "no such file" : (error as Error).message;
  return new FileError(`${path}: cannot be read (${reason})`);
}
