/**
 * Whether a chat template takes the arguments of a call as a text. OpenAI's files have them so; some
 * templates write such a text as it is (and some take nothing else), others walk through arguments or
 * write them as JSON, where a text would be encoded twice.
 *
 * @module
 */

import { FileError } from "../../errors.ts";
import type { ChatFacts } from "../example.ts";
import type { ChatTemplate } from "../templates/chat_template.ts";
import { tracedTurns } from "./slots.ts";

const CALL = {
  id: "call00001",
  name: "f",
  arguments: { city: "b" },
  text: '{"city":  "b"}',
} as const;
const TOOL = {
  type: "function",
  function: {
    name: "f",
    description: "d",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
} as const;
const CHAT = [
  { role: "user", content: "a", supervised: false },
  { role: "assistant", content: "", toolCalls: [CALL], supervised: true },
] as const;

const known = new WeakMap<ChatTemplate, boolean>();

/** Whether the template writes such a text as it is, found out by a chat with one call. */
export function writesText(template: ChatTemplate, facts: ChatFacts): boolean {
  const found = known.get(template);
  if (found !== undefined) return found;
  const made = isWritten(template, facts);
  known.set(template, made);
  return made;
}

function isWritten(template: ChatTemplate, facts: ChatFacts): boolean {
  const { turns, slots } = tracedTurns(CHAT, true);
  const given = slots.findIndex(({ text }) => text === CALL.text);
  try {
    const rendered = template.trace(turns, facts, "the template", { tools: [TOOL] });
    if (typeof rendered === "string") return false;
    const spans = rendered.spans.filter(({ source }) => source === given);
    return spans.length === 1 &&
      rendered.text.slice(spans[0]!.begin, spans[0]!.end) === CALL.text;
  } catch (fault) {
    if (fault instanceof FileError) return false;
    throw fault;
  }
}
