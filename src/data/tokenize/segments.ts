/**
 * A chat as segments of text, each supervised as a whole or not at all.
 *
 * The template is rendered twice: with the texts of the chat, and with a mark in place of each. The
 * second shows what the template itself writes, the first whether it leaves the texts as they are.
 * So every character is known to come from the template or from a message, and nothing is searched
 * for in the tokens.
 *
 * @module
 */

import { ConfigError, FileError } from "../../errors.ts";
import type { ChatDocument, ChatFacts, Range } from "../example.ts";
import {
  answersByEndToken,
  answersByMarks,
  type Assigned,
  type Part,
  type Placed,
} from "./answers.ts";
import type { Stretch } from "./stretches.ts";
import { markedTurns, MARKS, type Slot, turnsOf } from "./slots.ts";
import { ownTemplate } from "../templates/chat_facts.ts";
import { type ChatTemplate, GENERATION_BEGIN, GENERATION_END } from "../templates/chat_template.ts";

/** Text that is encoded apart from its neighbours. */
export interface Segment {
  readonly parts: readonly Part[];
  readonly supervised: boolean;
}

/** A segment as it is encoded; `readsSpecial` where special tokens in messages are read as such. */
export function stretchOf({ parts, supervised }: Segment, readsSpecial = false): Stretch {
  let at = 0;
  const written = parts.flatMap(({ text, fromTemplate }) => {
    const range: Range = [at, at += text.length];
    return fromTemplate ? [range] : [];
  });
  const text = parts.map((part) => part.text).join("");
  return { text, supervised, written: readsSpecial ? [[0, text.length]] : written };
}

const RESERVED = /[\ufdd0-\ufdd3]/;
const GENERATION_MARKS = new RegExp(`[${GENERATION_BEGIN}${GENERATION_END}]`, "g");

/**
 * The segments of a chat. An answer is an assistant's text with the spaces that the template puts
 * right before it (a model answers " Yes" to "ASSISTANT:"), its calls, from where the generation
 * prompt ends if no text is before them, and all up to the end token that follows; or, where the
 * template has `{% generation %}`, what that encloses.
 *
 * @throws {FileError} if the template refuses the chat or changes a text beyond trimming it.
 * @throws {ConfigError} if no end token follows an answer and it needs one.
 */
export function chatSegments(
  document: ChatDocument,
  facts: ChatFacts,
  { needsEnd = true }: { readonly needsEnd?: boolean } = {},
): Segment[] {
  const template = templateOf(document, facts);
  const parts = placedParts(document, template, facts);
  const isMarked = parts.some(({ text }) => text.includes(GENERATION_BEGIN));
  if (isMarked) return grouped(answersByMarks(parts));
  const openings = (turn: number) => generationPrompt(document, turn, template, facts);
  return grouped(answersByEndToken(parts, template, { ...facts, needsEnd }, openings));
}

/**
 * A chat up to where an answer is to begin, in one segment. Only where a message has a special token
 * in its text must it be known what the template wrote; else any template will do.
 *
 * @throws {FileError} {ConfigError} as {@link chatSegments}.
 */
export function promptSegment(document: ChatDocument, facts: ChatFacts): Segment {
  const template = templateOf(document, facts);
  const { messages, tools, origin } = document;
  const isTyped = (token: string) =>
    messages.some(({ content, others = {} }) =>
      content.includes(token) || JSON.stringify(others).includes(token)
    );
  const options = { ...(tools && { tools }), generationPrompt: true };
  const parts = facts.specialTokens.some(isTyped)
    ? placedParts(document, template, facts, true)
    : [{ text: template.render(turnsOf(messages), facts, origin, options), fromTemplate: true }];
  const unmarked = parts.map(({ text, fromTemplate }) => ({
    text: fromTemplate ? text.replace(GENERATION_MARKS, "") : text,
    fromTemplate,
  }));
  return { parts: unmarked, supervised: false };
}

/** @throws {ConfigError} where there is none, or it does not know of the chat's tools. */
function templateOf({ template, tools, origin }: ChatDocument, facts: ChatFacts): ChatTemplate {
  const found = template ?? ownTemplate(facts, tools);
  if (found === null) {
    throw new ConfigError(
      `${origin}: found a chat, but the model has no chat template, wanted one named`,
    );
  }
  if (!tools || found.knowsTools) return found;
  const what = `tools in the chat, and none in template ${found.name}`;
  throw new ConfigError(`${origin}: found ${what}, wanted one that tells of them`);
}

/** The rendered chat, cut where a message's text begins and ends. */
function placedParts(
  document: ChatDocument,
  template: ChatTemplate,
  facts: ChatFacts,
  generationPrompt = false,
): Placed[] {
  const { messages, tools, origin } = document;
  const { turns, slots } = markedTurns(messages);
  const reserved = slots.find(({ text }) => RESERVED.test(text));
  if (reserved !== undefined) {
    const found = `a noncharacter in message ${reserved.turn + 1}`;
    throw new FileError(`${origin}: found ${found}, wanted text`);
  }
  const options = { ...(tools && { tools }), generationPrompt };
  const rendered = template.render(turnsOf(messages), facts, origin, options);
  const pieces = template.render(turns, facts, origin, options).split(MARKS);
  checkAnswers(slots, pieces.filter((_, i) => i % 2 === 1).map(Number), template, origin);
  return align(pieces, slots, rendered, { template, origin });
}

/** What opens the answer of a turn, "" where the template says nothing of it. */
function generationPrompt(
  { messages, tools, origin }: ChatDocument,
  turn: number,
  template: ChatTemplate,
  facts: ChatFacts,
): string {
  const before = turnsOf(messages.slice(0, turn));
  const options = tools && { tools };
  const text = template.render(before, facts, origin, options);
  const opened = template.render(before, facts, origin, { ...options, generationPrompt: true });
  return opened.startsWith(text) ? opened.slice(text.length) : "";
}

/** Every assistant's text must be there once, and what it calls at least once. */
function checkAnswers(
  slots: readonly Slot[],
  shown: readonly number[],
  { name }: ChatTemplate,
  origin: string,
): void {
  slots.forEach(({ message, turn, part }, slot) => {
    const times = shown.filter((index) => index === slot).length;
    if (message.role !== "assistant" || times === 1) return;
    if (part !== "content" && (part !== "call" || times > 1)) return;
    const what = part === "content" ? "the text" : "a call";
    const found = `template ${name} writes ${what} of message ${turn + 1} ${times} times`;
    throw new FileError(`${origin}: found that ${found}, wanted it once`);
  });
}

/** Walks the rendered text along the template's own text; each message's text is what is between. */
function align(
  pieces: readonly string[],
  slots: readonly Slot[],
  rendered: string,
  { template: { name }, origin }: { readonly template: ChatTemplate; readonly origin: string },
): Placed[] {
  const parts: Placed[] = [];
  let at = 0;
  for (let i = 0; i < pieces.length; i += 2) {
    const own = pieces[i]!;
    parts.push({ text: own, fromTemplate: true, slot: null });
    at += own.length;
    if (i + 1 === pieces.length) break;
    const slot = slots[Number(pieces[i + 1])]!;
    const text = formsOf(slot.text).find((form) => rendered.startsWith(form + pieces[i + 2]!, at));
    if (text === undefined) {
      const found = `template ${name} changes the text of message ${
        slot.turn + 1
      } or what follows it`;
      throw new FileError(`${origin}: found that ${found}, wanted it as it is, at most trimmed`);
    }
    parts.push({ text, fromTemplate: false, slot });
    at += text.length;
  }
  if (rendered === parts.map(({ text }) => text).join("")) return parts;
  const found = `template ${name} writes other text around these messages than around others`;
  throw new FileError(`${origin}: found that ${found}, wanted the same for all`);
}

/** A text as it is, as templates trim it, and all that within JSON. */
function formsOf(text: string): string[] {
  const forms = [text, text.trim(), text.trimEnd(), text.trimStart()];
  return [...forms, ...forms.map((form) => JSON.stringify(form).slice(1, -1))];
}

/** One segment for what goes to the same answer, or to none, in a row. */
function grouped(assigned: readonly Assigned[]): Segment[] {
  const segments: { parts: Part[]; supervised: boolean }[] = [];
  let last: Assigned["answer"] | undefined;
  for (const { text, fromTemplate, answer } of assigned) {
    if (text === "") continue;
    if (answer !== last) segments.push({ parts: [], supervised: answer?.supervised ?? false });
    segments.at(-1)!.parts.push({ text, fromTemplate });
    last = answer;
  }
  return segments;
}
