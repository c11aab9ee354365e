/**
 * Which parts of a rendered chat are answers.
 *
 * @module
 */

import { ConfigError } from "../../errors.ts";
import type { ChatFacts } from "../example.ts";
import { END_TOKENS } from "../templates/builtin.ts";
import type { Slot } from "./slots.ts";
import { type ChatTemplate, GENERATION_BEGIN, GENERATION_END } from "../templates/chat_template.ts";

/** Text that the template writes, or text of a message. */
export interface Part {
  readonly text: string;
  readonly fromTemplate: boolean;
}

/** A part, with the text of a message that it is, from which character of it up to which. */
export interface Placed extends Part {
  readonly slot: Slot | null;
  readonly from?: number;
  readonly to?: number;
}

/** Whether two parts of a text have characters in common. */
export const overlap = (a: Pick<Placed, "from" | "to">, b: Pick<Placed, "from" | "to">): boolean =>
  a.from! < b.to! && b.from! < a.to!;

/** Text with the answer that it belongs to, if any. */
export interface Assigned extends Part {
  readonly answer: { readonly supervised: boolean } | null;
}

const GENERATION_MARK = /([\ufdd2\ufdd3])/;

/**
 * Gives each answer what is within it, what opens it and the end token after it.
 *
 * @param opening what the template ends with when the answer of that turn is to be generated.
 * @throws {ConfigError} if no end token follows an answer and it needs one, or nothing shows where calls begin.
 */
export function answersByEndToken(
  parts: readonly Placed[],
  template: ChatTemplate,
  { bosToken, eosToken, needsEnd }: ChatFacts & { readonly needsEnd: boolean },
  opening: (turn: number, before: string) => string,
): Assigned[] {
  const ends = [eosToken, ...END_TOKENS].filter((token) => token !== "" && token !== bosToken);
  const right = new RegExp(`^\\s*(?:${alternatives(ends)})+`);
  const afterCalls = new RegExp(`^[^]*?(?:${alternatives(ends)})+`);
  const answers = answerSlots(parts);
  return parts.flatMap((part, i): Assigned[] => {
    const { text, fromTemplate } = part;
    if (!fromTemplate) return [{ text, fromTemplate, answer: answers[i]?.message ?? null }];
    const [before, after] = [answers[i - 1], answers[i + 1]];
    if (before && before.turn === after?.turn) {
      return [{ text, fromTemplate, answer: before.message }];
    }
    const end = before?.message.toolCalls ? afterCalls : right;
    const found = before ? end.exec(text)?.[0] : "";
    if (found === undefined && needsEnd) throw noEnd(template, text);
    const ending = found ?? "";
    const rest = text.slice(ending.length);
    const begin = after ? beginOf(after, rest, template, opening) : rest.length;
    return [
      { text: ending, fromTemplate, answer: before?.message ?? null },
      { text: rest.slice(0, begin), fromTemplate, answer: null },
      { text: rest.slice(begin), fromTemplate, answer: after?.message ?? null },
    ];
  });
}

/** For each part, the slot of an answer, where it is one that was not shown before. */
function answerSlots(parts: readonly Placed[]): (Slot | undefined)[] {
  const shown = new Map<Slot, Placed[]>();
  return parts.map((part) => {
    const { slot } = part;
    if (slot?.message.role !== "assistant") return undefined;
    const before = shown.get(slot) ?? [];
    if (before.some((other) => overlap(part, other))) return undefined;
    shown.set(slot, [...before, part]);
    return slot;
  });
}

/**
 * Where in the template's text before it an answer begins: a text at once, with the spaces before it,
 * unless the template writes more than what opens an answer (`<think>`, or thoughts that are empty),
 * which is learnt then; a call, and what a model thinks, after what opens an answer.
 */
function beginOf(
  { part, turn }: Slot,
  text: string,
  { name }: ChatTemplate,
  opening: (turn: number, before: string) => string,
): number {
  const atOnce = text.replace(/ +$/, "").length;
  // Some templates open an answer with thoughts that they leave out of earlier turns.
  for (let prompt = opening(turn, text); prompt !== ""; prompt = withoutLastLine(prompt)) {
    const at = text.lastIndexOf(prompt);
    if (at < 0) continue;
    const begin = at + prompt.length;
    return part === "content" ? Math.min(begin, atOnce) : begin;
  }
  if (part === "content") return atOnce;
  throw new ConfigError(
    `Found ${part === "call" ? "calls" : part.field} after ${
      JSON.stringify(text.slice(-40))
    } in chat template ${name}, wanted ` +
      "a generation prompt before them or {% generation %} around them",
  );
}

function withoutLastLine(text: string): string {
  const end = text.length - 1;
  return end < 1 ? "" : text.slice(0, text.lastIndexOf("\n", end - 1) + 1);
}

/**
 * Gives each answer what is within the same `{% generation %}`, and what is within one that holds no
 * answer (some templates write the end token so) to the answer before it.
 */
export function answersByMarks(parts: readonly Placed[]): Assigned[] {
  const assigned: Assigned[] = [];
  let answer: { supervised: boolean } | null = null;
  let supervised = true; // of the last answer
  for (const { text, fromTemplate, slot } of parts) {
    const isAnswer = slot?.message.role === "assistant";
    if (isAnswer) supervised = slot.message.supervised;
    if (answer && isAnswer) answer.supervised = supervised;
    const pieces = fromTemplate ? text.split(GENERATION_MARK) : [text];
    for (const piece of pieces) {
      if (piece === GENERATION_BEGIN) answer = { supervised };
      else if (piece === GENERATION_END) answer = null;
      else assigned.push({ text: piece, fromTemplate, answer });
    }
  }
  return assigned;
}

function noEnd({ name }: ChatTemplate, after: string): ConfigError {
  const found = `${JSON.stringify(after.slice(0, 40))} after an answer in chat template ${name}`;
  return new ConfigError(
    `Found ${found}, wanted an end token there, {% generation %} around the answer, ` +
      'or "no-end" in train.allow',
  );
}

/** A pattern of one of the texts, longest first. */
export function alternatives(texts: readonly string[]): string {
  return [...texts].sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join("|");
}
