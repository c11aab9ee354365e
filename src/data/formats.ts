/**
 * The formats of rows, in one list. A new format is one more entry.
 *
 * @module
 */

import { ConfigError, FileError } from "../errors.ts";
import { type Document, UNSUPERVISED } from "./example.ts";
import { describe, type Row } from "./read.ts";
import { renderPrompt, type Template } from "./template.ts";

/** Labels are kept as signed 32-bit integers. */
const LARGEST_ID = 2 ** 31 - 1;

/** What a format needs beside the row. */
export interface FormatSettings {
  readonly template: Template;
  /** Whether EOS follows a text document. */
  readonly eosAfterText: boolean;
}

/** One kind of row: how to know it, and how to read it. */
export interface Format {
  readonly name: string;
  /** Its fields, as messages name them. */
  readonly fields: string;
  /** A row with all of these is taken to be of this format. */
  readonly marks: readonly string[];
  /** @throws {FileError} naming the row and what is wrong with it. */
  read(row: Row, settings: FormatSettings): Document;
}

/** Instruction rows as in Alpaca; only the answer is supervised. */
const alpaca: Format = {
  name: "alpaca",
  fields: "instruction, input (may be absent), output",
  marks: ["instruction", "output"],
  read(row, { template }) {
    const instruction = text(row, "instruction");
    const input = text(row, "input", "");
    const output = text(row, "output");
    if (output.trim() === "") throw fault(row, "an empty output", "an answer to learn from");
    return {
      kind: "spans",
      spans: [
        { text: renderPrompt(template, { instruction, input }), supervised: false, eos: false },
        { text: output, supervised: true, eos: true },
      ],
      origin: row.origin,
    };
  },
};

/** Rows that are encoded already, taken as they are; nothing is added to them. */
const tokens: Format = {
  name: "tokens",
  fields: "input_ids, labels",
  marks: ["input_ids"],
  read(row) {
    const ids = integers(row, "input_ids");
    const labels = integers(row, "labels");
    if (labels.length !== ids.length) {
      throw fault(row, `${labels.length} labels for ${ids.length} input_ids`, "as many of each");
    }
    const outside = ids.findIndex((id) => id < 0 || id > LARGEST_ID);
    if (outside >= 0) throw fault(row, `input_ids[${outside}] = ${ids[outside]}`, "a token id");
    const odd = labels.findIndex((label, i) => label !== UNSUPERVISED && label !== ids[i]);
    if (odd >= 0) {
      throw fault(
        row,
        `labels[${odd}] = ${labels[odd]}`,
        `input_ids[${odd}] = ${ids[odd]} or -100`,
      );
    }
    return { kind: "tokens", ids, labels, origin: row.origin };
  },
};

/** Plain text, supervised from its first token. */
const plainText: Format = {
  name: "text",
  fields: "text",
  marks: ["text"],
  read(row, { eosAfterText }) {
    const content = text(row, "text");
    if (content.trim() === "") throw fault(row, "an empty text", "a document");
    return {
      kind: "spans",
      spans: [{ text: content, supervised: true, eos: eosAfterText }],
      origin: row.origin,
    };
  },
};

/** All formats, in the order in which a row is tried: Alpaca's own rows also have a `text`. */
export const formats: readonly Format[] = [tokens, alpaca, plainText];

/** The names that an entry's `format` may have. */
export const formatNames: readonly string[] = formats.map(({ name }) => name);

/**
 * The format of that name, or where none is named, the first whose marks the row has.
 *
 * @throws {ConfigError} if the name is unknown.
 * @throws {FileError} if no format fits the row.
 */
export function chooseFormat(name: string | undefined, row: Row): Format {
  const format = name === undefined
    ? formats.find(({ marks }) => marks.every((mark) => Object.hasOwn(row.fields, mark)))
    : formats.find((format) => format.name === name);
  if (format !== undefined) return format;
  if (name !== undefined) {
    const names = formatNames.join(", ");
    throw new ConfigError(`Found format ${JSON.stringify(name)}, wanted one of ${names}`);
  }
  const wanted = formats.map((format) => `${format.fields} (format ${format.name})`).join("; or ");
  throw fault(row, fieldNames(row), wanted);
}

function text(row: Row, field: string, absent?: string): string {
  const value = row.fields[field] ?? absent;
  if (typeof value === "string") return value;
  throw fieldFault(row, field, row.fields[field], "a string");
}

function integers(row: Row, field: string): number[] {
  const value = row.fields[field];
  if (!Array.isArray(value)) throw fieldFault(row, field, value, "an array of integers");
  const odd = value.findIndex((item) => !Number.isInteger(item));
  if (odd < 0) return value;
  throw fault(row, `${JSON.stringify(value[odd])} in ${field}[${odd}]`, "an integer");
}

function fieldFault(row: Row, field: string, value: unknown, wanted: string): FileError {
  if (value === undefined) return fault(row, fieldNames(row), `the field ${field}, ${wanted}`);
  return fault(row, `${describe(value)} in ${field}`, wanted);
}

function fieldNames(row: Row): string {
  const names = Object.keys(row.fields);
  return names.length === 0 ? "no fields" : `the fields ${names.join(", ")}`;
}

function fault(row: Row, found: string, wanted: string): FileError {
  return new FileError(`${row.origin}: found ${found}, wanted ${wanted}`);
}
