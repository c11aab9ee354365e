/**
 * Files of what a model is asked.
 *
 * @module
 */

import { fault, objects, own, type Row, text } from "../../rows/sources/row.ts";
import { readLines } from "../../rows/sources/lines.ts";
import { readRows } from "../../rows/sources/read.ts";
import { readMessage } from "../../rows/formats/chats.ts";
import { formats } from "../../rows/formats/mod.ts";
import type { ModelRequest } from "../tokenize/prompt.ts";

/** A request, where it stands (`prompts.jsonl:3`), and the columns of its row. */
export type FiledRequest = ModelRequest & {
  readonly origin: string;
  readonly columns: Readonly<Record<string, unknown>>;
};

/**
 * Reads what a model is asked: of a .txt file a text a line, blank ones left out; of others a row
 * each, with `prompt` (a text or messages), `messages`, or `instruction` and `input`, or in a format of
 * questions and answers. An answer that a row has already is not read.
 *
 * @throws {FileError} for a file or row that cannot be read.
 */
export async function* readRequests(path: string): AsyncGenerator<FiledRequest> {
  if (!/\.txt(\.gz)?$/i.test(path)) {
    for await (const row of readRows(path)) {
      yield { ...requestOf(row), origin: row.origin, columns: row.fields };
    }
    return;
  }
  let number = 0;
  for await (const line of readLines(path)) {
    number++;
    if (line.trim() === "") continue;
    yield { kind: "text", text: line, origin: `${path}:${number}`, columns: {} };
  }
}

/** Formats whose rows have other names for what is asked. */
const ASKING = ["question-answer", "input-output", "input-target"];

function requestOf(row: Row): ModelRequest {
  const { fields } = row;
  if (Array.isArray(own(fields, "prompt"))) return chatOf(row, "prompt");
  if (own(fields, "messages") !== undefined) return chatOf(row, "messages");
  if (own(fields, "prompt") !== undefined) return { kind: "text", text: text(row, "prompt") };
  if (own(fields, "instruction") === undefined) {
    const format = formats.find(({ name, marks }) =>
      ASKING.includes(name) && own(fields, marks[0]!) !== undefined
    );
    if (format) return { kind: "instruction", instruction: text(row, format.marks[0]!), input: "" };
    throw fault(
      row,
      `the fields ${Object.keys(fields).join(", ")}`,
      "prompt, messages, instruction, question or input",
    );
  }
  const [instruction, input] = [text(row, "instruction"), text(row, "input", "")];
  return { kind: "instruction", instruction, input };
}

/**
 * A chat that is to be answered, from the value of a `messages` field.
 *
 * @throws {FileError} where it is no list of messages, or none of them is to be answered.
 */
export const readChatRequest = (messages: unknown): ModelRequest =>
  chatOf({ fields: { messages }, origin: "the request" }, "messages");

/** The turns up to the last one that is to be answered. */
function chatOf(row: Row, field: string): ModelRequest {
  const turns = objects(row, field).map(readMessage);
  const last = turns.findLastIndex(({ role }) => role !== "assistant");
  if (last >= 0) return { kind: "chat", turns: turns.slice(0, last + 1) };
  throw fault(row, `nobody's turn but an assistant's in ${field}`, "one to answer");
}
