/**
 * Files of what a model is asked.
 *
 * @module
 */

import { fault, objects, own, type Row, text } from "../sources/row.ts";
import { readLines } from "../sources/lines.ts";
import { readRows } from "../sources/read.ts";
import { readMessage } from "../formats/chats.ts";
import type { ModelRequest } from "../tokenize/prompt.ts";

/** A request, and where it stands: `prompts.jsonl:3`. */
export type FiledRequest = ModelRequest & { readonly origin: string };

/**
 * Reads what a model is asked: of a .txt file a text a line, blank ones left out; of others a row
 * each, with `prompt` (a text or messages), `messages`, or `instruction` and `input`. An answer that
 * a row has already is not read.
 *
 * @throws {FileError} for a file or row that cannot be read.
 */
export async function* readRequests(path: string): AsyncGenerator<FiledRequest> {
  if (!/\.txt(\.gz)?$/i.test(path)) {
    for await (const row of readRows(path)) yield { ...requestOf(row), origin: row.origin };
    return;
  }
  let number = 0;
  for await (const line of readLines(path)) {
    number++;
    if (line.trim() !== "") yield { kind: "text", text: line, origin: `${path}:${number}` };
  }
}

function requestOf(row: Row): ModelRequest {
  const { fields } = row;
  if (Array.isArray(own(fields, "prompt"))) return chatOf(row, "prompt");
  if (own(fields, "messages") !== undefined) return chatOf(row, "messages");
  if (own(fields, "prompt") !== undefined) return { kind: "text", text: text(row, "prompt") };
  if (own(fields, "instruction") === undefined) {
    throw fault(
      row,
      `the fields ${Object.keys(fields).join(", ")}`,
      "prompt, messages or instruction",
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
