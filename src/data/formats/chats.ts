/**
 * Rows that hold a chat.
 *
 * @module
 */

import type { Content, Message, Role } from "../content.ts";
import { isObject } from "../../io/files.ts";
import { fault, objects, own, type Row, text } from "../sources/row.ts";
import { isAbsent, readCall, readToolCalls, readTools } from "./tools.ts";

/** Who speaks, by the names that ShareGPT files have for them. */
const SHAREGPT_ROLES: ReadonlyMap<string, Role> = new Map([
  ["human", "user"],
  ["user", "user"],
  ["gpt", "assistant"],
  ["chatgpt", "assistant"],
  ["assistant", "assistant"],
  ["bard", "assistant"],
  ["bing", "assistant"],
  ["model", "assistant"],
  ["system", "system"],
  ["observation", "tool"],
  ["tool", "tool"],
]);
/** The speaker whose value is the JSON of a call, in ShareGPT files with tools. */
const CALLER = "function_call";

/** Who speaks in `messages`. */
const ROLES: ReadonlyMap<string, Role> = new Map([
  ["system", "system"],
  ["developer", "system"],
  ["user", "user"],
  ["assistant", "assistant"],
  ["tool", "tool"],
  ["function", "tool"],
]);

/**
 * A chat of `messages`, each with role and content. A `weight` of 0 takes an assistant's turn out of
 * the loss, as in OpenAI's fine-tuning files; an assistant may call tools, and tools answer.
 */
export function readMessages(row: Row): Content {
  return chat(row, objects(row, "messages").map(readMessage));
}

/**
 * A chat of `conversations`, each with from and value, or with the fields of `messages`. As in train.py of lm-sys/FastChat, turns
 * before the first human one are left out (a system prompt stays); turns of one speaker in a row are
 * one turn, with a blank line between.
 */
export function readConversations(row: Row): Content {
  const turns = objects(row, "conversations").map((turn): Message => {
    if (own(turn.fields, "from") === undefined && own(turn.fields, "role") !== undefined) {
      return readMessage(turn);
    }
    const from = text(turn, "from");
    if (from === CALLER) return caller(turn);
    const role = SHAREGPT_ROLES.get(from.toLowerCase());
    const wanted = `one of ${[...SHAREGPT_ROLES.keys(), CALLER].join(", ")}`;
    if (role === undefined) throw fault(turn, `the speaker ${JSON.stringify(from)}`, wanted);
    return { role, content: text(turn, "value"), supervised: true };
  });
  const firstHuman = turns.findIndex(({ role }) => role === "user");
  return chat(row, merged(turns.filter(({ role }, i) => role === "system" || i >= firstHuman)));
}

/** One turn, with the fields of `messages`. */
export function readMessage(message: Row): Message {
  const { fields } = message;
  const given = text(message, "role");
  const role = ROLES.get(given);
  if (role === undefined) {
    throw fault(message, `the role ${JSON.stringify(given)}`, [...ROLES.keys()].join(", "));
  }
  const weight = own(fields, "weight") ?? 1;
  if (weight !== 0 && weight !== 1) {
    throw fault(message, `the weight ${JSON.stringify(weight)}`, "0 or 1");
  }
  const toolCalls = readToolCalls(message);
  if (toolCalls && role !== "assistant") throw fault(message, `a call by ${given}`, "an assistant");
  const [name, toolCallId] = [own(fields, "name"), own(fields, "tool_call_id")];
  return {
    role,
    content: toolCalls && isAbsent(own(fields, "content")) ? "" : contentOf(message),
    supervised: weight === 1,
    ...(toolCalls && { toolCalls }),
    ...(role === "tool" && typeof name === "string" && { name }),
    ...(role === "tool" && typeof toolCallId === "string" && { toolCallId }),
  };
}

/** A turn that is the JSON of one call. */
function caller(turn: Row): Message {
  const json = text(turn, "value");
  let fields: unknown;
  try {
    fields = JSON.parse(json);
  } catch {
    fields = null;
  }
  if (!isObject(fields)) throw fault(turn, JSON.stringify(json.slice(0, 40)), "the JSON of a call");
  const call = readCall({ fields, origin: turn.origin });
  return { role: "assistant", content: "", supervised: true, toolCalls: [call] };
}

/** The text of a message, joined where it comes in typed parts. */
function contentOf(message: Row): string {
  const content = own(message.fields, "content");
  if (!Array.isArray(content)) return text(message, "content");
  const parts = objects(message, "content");
  return parts.map((part) => {
    const type = text(part, "type");
    if (type === "text") return text(part, "text");
    throw fault(part, `a part of type ${JSON.stringify(type)}`, "parts of type text");
  }).join("");
}

/** Turns of one speaker are one, with what it calls at its end; each answer of a tool stays apart. */
function merged(turns: readonly Message[]): Message[] {
  const messages: Message[] = [];
  for (const turn of turns) {
    const last = messages.at(-1);
    if (last?.role !== turn.role || turn.role === "tool") messages.push(turn);
    else if (turn.toolCalls) {
      const toolCalls = [...last.toolCalls ?? [], ...turn.toolCalls];
      messages[messages.length - 1] = { ...last, toolCalls };
    } else if (last.toolCalls) messages.push(turn);
    else messages[messages.length - 1] = { ...last, content: `${last.content}\n\n${turn.content}` };
  }
  return messages;
}

/** The chat up to its last answer: what follows has nothing to learn. */
export function chat(row: Row, messages: readonly Message[]): Content & { kind: "chat" } {
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  if (last < 0) throw fault(row, "no assistant's turn", "an answer to learn from");
  const empty = messages.find(({ role, content, toolCalls }) =>
    role === "assistant" && content.trim() === "" && !toolCalls
  );
  const tools = readTools(row);
  return {
    kind: "chat",
    messages: messages.slice(0, last + 1),
    ...(tools && { tools }),
    origin: row.origin,
    empty: empty === undefined ? null : "an empty assistant's turn",
  };
}
