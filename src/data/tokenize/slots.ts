/**
 * The texts of a chat as a template sees them, and where they are: each can be replaced by a mark.
 *
 * @module
 */

import type { Message } from "../content.ts";
import type { Document, RowTokenizer } from "../example.ts";
import { ownTemplate } from "../templates/chat_facts.ts";
import type { Turn } from "../templates/chat_template.ts";

/** The content, a call, or the field of others that a template need not write. */
export type SlotPart = "content" | "call" | { readonly field: string };

/** A text of a message that a template may write. */
export interface Slot {
  readonly message: Message;
  /** Its place in the chat, from 0. */
  readonly turn: number;
  readonly text: string;
  /** Where it stands in the message. */
  readonly part: SlotPart;
}

const MARK_BEGIN = "\ufdd0";
const MARK_END = "\ufdd1";
/** Divides a rendered text at its marks; every second piece is the number of a slot. */
export const MARKS: RegExp = /\ufdd0(\d+)\ufdd1/;

/** The turns of a chat as they are. */
export function turnsOf(messages: readonly Message[]): Turn[] {
  return messages.map((message) => turnOf(message, (text) => text));
}

/** The turns with a mark in place of each text, and the texts by their marks. */
export function markedTurns(messages: readonly Message[]): { turns: Turn[]; slots: Slot[] } {
  const slots: Slot[] = [];
  const turns = messages.map((message, turn) =>
    turnOf(message, (text, part) => {
      if (text.trim() === "") return text;
      return MARK_BEGIN + (slots.push({ message, turn, text, part }) - 1) + MARK_END;
    })
  );
  return { turns, slots };
}

function turnOf(
  { role, content, toolCalls, name, toolCallId, others = {} }: Message,
  mark: (text: string, part: SlotPart) => string,
): Turn {
  const marked = Object.entries(others).map(([field, value]) => [
    field,
    mapTexts(value, (text) => mark(text, { field })),
  ]);
  return {
    ...Object.fromEntries(marked),
    role,
    content: mark(content, "content"),
    ...(toolCalls && {
      tool_calls: toolCalls.map((call) => ({
        ...(call.id !== undefined && { id: call.id }),
        type: "function",
        function: {
          name: mark(call.name, "call"),
          arguments: mapTexts(call.arguments, (text) => mark(text, "call")),
        },
      })),
    }),
    ...(name !== undefined && { name }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
  };
}

/** A value with another text for each in it. */
function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, mapTexts(inner, map)]),
  );
}

/** The fields of turns that the template does not read, as messages name them. */
export function unreadInTurns(document: Document, tokenizer: RowTokenizer): string[] {
  if (document.kind === "preference") {
    const { chosen, rejected } = document;
    return [...new Set([chosen, rejected].flatMap((side) => unreadInTurns(side, tokenizer)))];
  }
  if (document.kind !== "chat") return [];
  const template = document.template ??
    (tokenizer.chat && ownTemplate(tokenizer.chat, document.tools));
  const fields = new Set(document.messages.flatMap(({ name, role, others = {} }) => [
    ...Object.keys(others),
    ...(name !== undefined && role !== "tool" ? ["name"] : []),
  ]));
  return [...fields].filter((field) => !template?.reads(field)).map((field) => `turns' ${field}`);
}
