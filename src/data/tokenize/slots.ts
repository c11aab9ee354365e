/**
 * The texts of a chat as a template sees them, each traced to where it stands.
 *
 * @module
 */

import type { Message } from "../../rows/content.ts";
import type { Document, RowTokenizer } from "../example.ts";
import { ownTemplate } from "../templates/chat_facts.ts";
import { loads } from "../../jinja/values/json.ts";
import { Dict, Exact, type Value } from "../../jinja/values/value.ts";
import { type Piece, type Traced, tracedWhole } from "../../jinja/values/traced.ts";
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

/** The turns of a chat as they are; calls that the row has as text as text, if `asText`. */
export function turnsOf(messages: readonly Message[], asText: boolean): Turn[] {
  return messages.map((message) => turnOf(message, asText, (text) => text));
}

/** The same with each text traced by its number, and the texts by these. */
export function tracedTurns(messages: readonly Message[], asText: boolean) {
  const slots: Slot[] = [];
  const turns = messages.map((message, turn) =>
    turnOf(message, asText, (text, part): string | Traced => {
      if (text.trim() === "") return text;
      return tracedWhole(text, slots.push({ message, turn, text, part }) - 1);
    })
  );
  return { turns, slots };
}

function turnOf<Text extends string | Traced>(
  { role, content, toolCalls, name, toolCallId, others = {}, exactOthers = {} }: Message,
  asText: boolean,
  traced: (text: string, part: SlotPart) => Text,
) {
  const marked = Object.entries(others).map(([field, value]) => [
    field,
    exactOr(exactOthers[field], value, (text) => traced(text, { field })),
  ]);
  return {
    ...Object.fromEntries(marked),
    role,
    content: traced(content, "content"),
    ...(toolCalls && {
      tool_calls: toolCalls.map((call) => ({
        ...(call.id !== undefined && { id: call.id }),
        type: "function" as const,
        function: {
          name: traced(call.name, "call"),
          arguments: asText && call.text !== undefined
            ? traced(call.text, "call")
            : exactOr(call.exact, call.arguments, (text) => traced(text, "call")),
        },
      })),
    }),
    ...(name !== undefined && { name }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
  };
}

/** A value with another text for each in it, read from its exact JSON where there is one. */
function exactOr(json: string | undefined, value: unknown, map: (text: string) => Piece): unknown {
  return json === undefined ? mapTexts(value, map) : new Exact(mapExact(loads(json), map));
}

function mapExact(value: Value, map: (text: string) => Piece): Value {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((item) => mapExact(item, map));
  if (!(value instanceof Dict)) return value;
  return new Dict(Array.from(value.entries(), ([key, inner]) => [key, mapExact(inner, map)]));
}

/** A value with another text for each in it. */
function mapTexts(value: unknown, map: (text: string) => unknown): unknown {
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
    return [...new Set(document.answers.flatMap((side) => unreadInTurns(side, tokenizer)))];
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
