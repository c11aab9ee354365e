/**
 * Rows that hold a chat.
 *
 * @module
 */

import type { Content, Message, Role } from "../content.ts";
import { isObject } from "../../io/files.ts";
import {
  exactJson,
  exactly,
  fault,
  fieldFault,
  objects,
  own,
  type Row,
  text,
} from "../sources/row.ts";
import { isAbsent, readCall, readToolCalls, readTools } from "./tools.ts";
import { isLearntTurn, LOSS_FIELDS, unreadFields } from "./unread.ts";

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

/** The fields of turns that are read, whatever the template: the others are for it. */
const MESSAGE_FIELDS = [
  ...["role", "content", "name", "tool_calls", "function_call", "tool_call_id"],
  ...LOSS_FIELDS,
];
const SHAREGPT_FIELDS = ["from", "value", ...LOSS_FIELDS];

/**
 * A chat of `messages`, each with role and content. A `weight` of 0 takes an assistant's turn out of
 * the loss, as in OpenAI's fine-tuning files; an assistant may call tools, and tools answer. A
 * `system` beside them is the first turn.
 */
export function readMessages(row: Row): Content {
  return chat(row, withSystem(row, objects(row, "messages").map(readMessage)));
}

/** The turns with the row's `system` before them, as LLaMA-Factory's files have it. */
function withSystem(row: Row, turns: readonly Message[]): readonly Message[] {
  const content = text(row, "system", "");
  const [first] = turns;
  if (content === "" || (first?.role === "system" && first.content === content)) return turns;
  if (first?.role !== "system") return [{ role: "system", content, supervised: false }, ...turns];
  throw fault(row, "a system beside a system's turn that differs", "one of the two");
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
    const content = text(turn, "value");
    return { role, content, supervised: isLearntTurn(turn), ...othersOf(turn, SHAREGPT_FIELDS) };
  });
  const firstHuman = turns.findIndex(({ role }) => role === "user");
  const said = merged(turns.filter(({ role }, i) => role === "system" || i >= firstHuman));
  return chat(row, withSystem(row, said));
}

/** One turn, with the fields of `messages`. */
export function readMessage(message: Row): Message {
  const { fields } = message;
  const given = text(message, "role");
  const role = ROLES.get(given);
  if (role === undefined) {
    throw fault(message, `the role ${JSON.stringify(given)}`, [...ROLES.keys()].join(", "));
  }
  const toolCalls = readToolCalls(message);
  if (toolCalls && role !== "assistant") throw fault(message, `a call by ${given}`, "an assistant");
  const [name, toolCallId] = [own(fields, "name"), own(fields, "tool_call_id")];
  return {
    role,
    content: toolCalls && isAbsent(own(fields, "content")) ? "" : contentOf(message),
    supervised: isLearntTurn(message),
    ...(toolCalls && { toolCalls }),
    ...(typeof name === "string" && { name }),
    ...(role === "tool" && typeof toolCallId === "string" && { toolCallId }),
    ...othersOf(message, MESSAGE_FIELDS),
  };
}

/** What a turn has beside the fields that are read. */
function othersOf(
  turn: Row,
  read: readonly string[],
): Pick<Message, "others" | "exactOthers"> {
  const names = unreadFields(turn, read);
  if (names.length === 0) return {};
  const exact = names.filter((name) => typeof turn.fields[name] !== "string")
    .map((name) => [name, exactJson(turn, name)] as const)
    .filter(([, json]) => json !== undefined);
  return {
    others: Object.fromEntries(names.map((name) => [name, turn.fields[name]])),
    ...(exact.length > 0 && { exactOthers: Object.fromEntries(exact) as Record<string, string> }),
  };
}

/** The turns in a field of a row; a text is one turn. */
export function readTurns(
  row: Row,
  field: string,
  role: "user" | "assistant",
  value = own(row.fields, field),
): Message[] {
  if (typeof value === "string") {
    return [{ role, content: text(row, field), supervised: role === "assistant" }];
  }
  if (!Array.isArray(value)) throw fieldFault(row, field, "a string or an array of messages");
  return value.length === 0 ? [] : objects(row, field).map(readMessage);
}

/** A chat in two fields, as TRL has it: of what the prompt holds, nothing is learnt. */
export function readCompletion(row: Row): Content {
  const prompt = readTurns(row, "prompt", "user");
  const completion = readTurns(row, "completion", "assistant");
  const [first] = completion;
  if (first?.role === "assistant") {
    return chat(row, [...prompt.map((turn) => ({ ...turn, supervised: false })), ...completion]);
  }
  const found = first ? `a turn of ${first.role}` : "no turn";
  throw fault(row, `${found} where the completion should begin`, "an assistant's turn");
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
  const exact = exactly(json);
  const call = readCall({ fields, origin: turn.origin, ...(exact && { exact }) });
  return { role: "assistant", content: "", supervised: isLearntTurn(turn), toolCalls: [call] };
}

/** The text of a message, joined where it comes in typed parts. */
function contentOf(message: Row): string {
  const content = own(message.fields, "content");
  if (!Array.isArray(content)) return text(message, "content");
  const parts = objects(message, "content");
  return parts.map((part) => {
    const type = text(part, "type");
    const field = own(part.fields, "text") === undefined ? "value" : "text";
    if (type === "text") return text(part, field);
    throw fault(part, `a part of type ${JSON.stringify(type)}`, "parts of type text");
  }).join("");
}

/** Turns of one speaker are one, with what it calls at its end; each answer of a tool stays apart. */
function merged(turns: readonly Message[]): Message[] {
  const messages: Message[] = [];
  for (const turn of turns) {
    const last = messages.at(-1);
    const isSame = last?.role === turn.role && last.supervised === turn.supervised;
    if (!isSame || turn.role === "tool" || last.others || turn.others) messages.push(turn);
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
    ...tools,
    origin: row.origin,
    empty: empty === undefined ? null : "an empty assistant's turn",
  };
}
