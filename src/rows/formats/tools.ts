/**
 * Calls of tools in the rows of chats.
 *
 * @module
 */

import { isObject } from "../../io/files.ts";
import type { ToolCall } from "../content.ts";
import {
  describe,
  exactJson,
  fault,
  fieldFault,
  objectIn,
  objects,
  own,
  type Row,
  text,
} from "../sources/row.ts";

/**
 * The calls of a message: `tool_calls` as OpenAI's files have them, each with a `function` or its
 * fields themselves, or the one `function_call` of older files. Null where there is none.
 *
 * @throws {FileError} if a call has no name, or arguments that are no object and no JSON of one.
 */
export function readToolCalls(message: Row): ToolCall[] | null {
  const { fields, origin } = message;
  const [calls, call] = [own(fields, "tool_calls"), own(fields, "function_call")];
  if (Array.isArray(calls) && calls.length > 0) return objects(message, "tool_calls").map(readCall);
  if (!isAbsent(calls) && !Array.isArray(calls)) throw fieldFault(message, "tool_calls", "a list");
  if (isAbsent(call)) return null;
  if (isObject(call)) {
    return [readCall(objectIn(message, "function_call", `${origin} (function_call)`))];
  }
  throw fieldFault(message, "function_call", "an object");
}

/** One call, whose name and arguments may stand in a `function`. */
export function readCall(call: Row): ToolCall {
  const inner = own(call.fields, "function");
  const row = isObject(inner) ? objectIn(call, "function") : call;
  const id = own(call.fields, "id");
  const given = own(row.fields, "arguments");
  const exact = exactJson(row, "arguments");
  return {
    ...(typeof id === "string" && { id }),
    name: text(row, "name"),
    arguments: readArguments(row),
    ...(typeof given === "string" && { text: given }),
    ...(exact !== undefined && { exact }),
  };
}

/** The tools of a row: `tools`, or `functions` in older files; a list, or the JSON of one. */
export function readTools(row: Row): { tools: unknown[]; exactTools?: string } | null {
  const field = isAbsent(own(row.fields, "tools")) ? "functions" : "tools";
  const tools = own(row.fields, field);
  if (isAbsent(tools) || tools === "") return null;
  const list = typeof tools === "string" ? parsed(row, field) : tools;
  if (!Array.isArray(list)) throw fault(row, `${describe(list)} in ${field}`, "a list of tools");
  const exactTools = exactJson(row, field);
  return list.length === 0
    ? null
    : { tools: list, ...(exactTools !== undefined && { exactTools }) };
}

/** Null and nothing both say that there is none. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function readArguments(row: Row): Readonly<Record<string, unknown>> {
  const given = own(row.fields, "arguments") ?? {};
  const value = typeof given === "string" ? parsed(row, "arguments") : given;
  if (isObject(value)) return value;
  throw fault(row, `${describe(value)} in arguments`, "an object, or the JSON of one");
}

function parsed(row: Row, field: string): unknown {
  const json = text(row, field);
  try {
    return JSON.parse(json);
  } catch {
    throw fault(row, `${JSON.stringify(json.slice(0, 40))} in ${field}`, "JSON");
  }
}
