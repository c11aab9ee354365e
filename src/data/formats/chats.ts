/**
 * Rows that hold a chat.
 *
 * @module
 */

import type { Content, Message, Role } from "./content.ts";
import { fault, objects, own, type Row, text } from "../files/row.ts";

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
]);
const ROLES: readonly string[] = ["system", "user", "assistant"];

/** Fields of a message that hold tool calls, which no template is given yet. */
const TOOL_FIELDS = ["tool_calls", "function_call", "tool_call_id"];

/**
 * A chat of `messages`, each with role and content. A `weight` of 0 takes an assistant's turn out of
 * the loss, as in OpenAI's fine-tuning files.
 */
export function readMessages(row: Row): Content {
  return chat(row, objects(row, "messages").map(readMessage));
}

/**
 * A chat of `conversations`, each with from and value. As in train.py of lm-sys/FastChat, turns
 * before the first human one are left out (a system prompt stays); turns of one speaker in a row are
 * one turn, with a blank line between.
 */
export function readConversations(row: Row): Content {
  const turns = objects(row, "conversations").map((turn): Message => {
    const from = text(turn, "from");
    const role = SHAREGPT_ROLES.get(from.toLowerCase());
    const wanted = `one of ${[...SHAREGPT_ROLES.keys()].join(", ")}`;
    if (role === undefined) throw fault(turn, `the speaker ${JSON.stringify(from)}`, wanted);
    return { role, content: text(turn, "value"), supervised: true };
  });
  const firstHuman = turns.findIndex(({ role }) => role === "user");
  return chat(row, merged(turns.filter(({ role }, i) => role === "system" || i >= firstHuman)));
}

function readMessage(message: Row): Message {
  const { fields } = message;
  const tool = TOOL_FIELDS.find((field) => !isAbsent(own(fields, field)));
  if (tool !== undefined) throw fault(message, tool, "text alone; tool calls are not built yet");
  const role = text(message, "role");
  if (!ROLES.includes(role)) {
    const note = /^(tool|function)$/.test(role) ? "; tool calls are not built yet" : "";
    throw fault(message, `the role ${JSON.stringify(role)}`, `${ROLES.join(", ")}${note}`);
  }
  const weight = own(fields, "weight") ?? 1;
  if (weight !== 0 && weight !== 1) {
    throw fault(message, `the weight ${JSON.stringify(weight)}`, "0 or 1");
  }
  return { role: role as Role, content: contentOf(message), supervised: weight === 1 };
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

/** Null, nothing and an empty list all say that there is no tool call. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function merged(turns: readonly Message[]): Message[] {
  const messages: Message[] = [];
  for (const turn of turns) {
    const last = messages.at(-1);
    if (last?.role !== turn.role) messages.push(turn);
    else messages[messages.length - 1] = { ...last, content: `${last.content}\n\n${turn.content}` };
  }
  return messages;
}

/** The chat up to its last answer: what follows has nothing to learn. */
function chat(row: Row, messages: readonly Message[]): Content {
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  if (last < 0) throw fault(row, "no assistant's turn", "an answer to learn from");
  const empty = messages.find(({ role, content }) => role === "assistant" && content.trim() === "");
  return {
    kind: "chat",
    messages: messages.slice(0, last + 1),
    origin: row.origin,
    empty: empty === undefined ? null : "an empty assistant's turn",
  };
}
