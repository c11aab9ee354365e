/**
 * A chat as segments of text, each supervised as a whole or not at all.
 *
 * The texts of the chat are traced through the template: of every character of what it writes it is
 * known whether it is the template's own or a message's, wherever the template moves, cuts or escapes
 * them, and nothing is searched for in the tokens.
 *
 * @module
 */

import { ConfigError, FileError } from "../../errors.ts";
import type { ChatDocument, ChatFacts, Range } from "../example.ts";
import {
  answersByEndToken,
  answersByMarks,
  type Assigned,
  overlap,
  type Part,
  type Placed,
} from "./answers.ts";
import type { Stretch } from "./stretches.ts";
import { loads } from "../../jinja/values/json.ts";
import { Exact } from "../../jinja/values/value.ts";
import { type Piece, plainText } from "../../jinja/values/traced.ts";
import { writesText } from "./call_text.ts";
import { type Slot, tracedTurns, turnsOf } from "./slots.ts";
import { ownTemplate } from "../templates/chat_facts.ts";
import {
  type ChatTemplate,
  GENERATION_BEGIN,
  GENERATION_END,
  type RenderOptions,
} from "../templates/chat_template.ts";

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

const GENERATION_MARKS = new RegExp(`[${GENERATION_BEGIN}${GENERATION_END}]`);

/**
 * The segments of a chat. An answer is an assistant's text with the spaces that the template puts
 * right before it (a model answers " Yes" to "ASSISTANT:"), its calls, from where the generation
 * prompt ends if no text is before them, and all up to the end token that follows; or, where the
 * template has `{% generation %}`, what that encloses.
 *
 * @throws {FileError} if the template refuses the chat or leaves out an answer or writes it twice.
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
  const openings = (turn: number, before: string) => {
    if (!template.opensAnswers) return "";
    const usual = usualOpening(template, facts);
    const isUsual = usual !== "" && before.endsWith(usual);
    return isUsual ? usual : generationPrompt(document, turn, template, facts);
  };
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
  const { messages, origin } = document;
  const isTyped = (token: string) =>
    messages.some(({ content, others = {} }) =>
      content.includes(token) || JSON.stringify(others).includes(token)
    );
  const options = optionsOf(document, true);
  const parts = facts.specialTokens.some(isTyped)
    ? placedParts(document, template, facts, true)
    : [{
      text: template.render(turnsOf(messages, writesText(template, facts)), facts, origin, options),
      fromTemplate: true,
    }];
  const unmarked = parts.map(({ text, fromTemplate }) => ({
    text: fromTemplate ? text.split(GENERATION_MARKS).join("") : text,
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
  const { messages, origin } = document;
  const { turns, slots } = tracedTurns(messages, writesText(template, facts));
  const reserved = slots.find(({ text }) => GENERATION_MARKS.test(text));
  if (reserved !== undefined) {
    const found = `a noncharacter in message ${reserved.turn + 1}`;
    throw new FileError(`${origin}: found ${found}, wanted text`);
  }
  const rendered = template.trace(turns, facts, origin, optionsOf(document, generationPrompt));
  checkAnswers(slots, rendered, template, origin);
  return partsOf(rendered, slots);
}

/** What of a rendered chat is a message's, and what is between. */
function partsOf(rendered: Piece, slots: readonly Slot[]): Placed[] {
  const text = plainText(rendered);
  const spans = typeof rendered === "string" ? [] : rendered.spans;
  const parts: Placed[] = [];
  let at = 0;
  const own = (end: number) =>
    parts.push({ text: text.slice(at, end), fromTemplate: true, slot: null });
  for (const { begin, end, source, from, to } of spans) {
    own(begin);
    const slot = slots[source]!;
    parts.push({ text: text.slice(begin, end), fromTemplate: false, slot, from, to });
    at = end;
  }
  own(text.length);
  return parts;
}

const optionsOf = (
  { tools, exactTools, date }: ChatDocument,
  generationPrompt: boolean,
): RenderOptions => ({
  ...(tools && { tools: exactTools === undefined ? tools : new Exact(loads(exactTools)) }),
  ...(date !== undefined && { date }),
  generationPrompt,
});

const usual = new WeakMap<ChatTemplate, string>();

/** What opens the answer to a user; "" where the template refuses such a chat. */
function usualOpening(template: ChatTemplate, facts: ChatFacts): string {
  const known = usual.get(template);
  if (known !== undefined) return known;
  const messages = [{ role: "user", content: "a", supervised: false }] as const;
  const document = { kind: "chat", messages, template, origin: "the template" } as const;
  let opening = "";
  try {
    opening = generationPrompt(document, 1, template, facts);
  } catch (fault) {
    if (!(fault instanceof FileError)) throw fault;
  }
  usual.set(template, opening);
  return opening;
}

/** What opens the answer of a turn, "" where the template says nothing of it. */
function generationPrompt(
  document: ChatDocument,
  turn: number,
  template: ChatTemplate,
  facts: ChatFacts,
): string {
  const { messages, origin } = document;
  const before = turnsOf(messages.slice(0, turn), writesText(template, facts));
  const text = template.render(before, facts, origin, optionsOf(document, false));
  const opened = template.render(before, facts, origin, optionsOf(document, true));
  return opened.startsWith(text) ? opened.slice(text.length) : "";
}

/** Every assistant's text must be there, no part of it twice, and what it calls at least once. */
function checkAnswers(
  slots: readonly Slot[],
  rendered: Piece,
  { name }: ChatTemplate,
  origin: string,
): void {
  const spans = typeof rendered === "string" ? [] : rendered.spans;
  slots.forEach(({ message, turn, part }, slot) => {
    const isContent = part === "content";
    if (message.role !== "assistant" || (!isContent && part !== "call")) return;
    const shown = spans.filter(({ source }) => source === slot);
    const isTwice = isContent &&
      shown.some((span, i) => shown.slice(0, i).some((other) => overlap(span, other)));
    if (shown.length > 0 && !isTwice) return;
    const what = isContent ? "the text" : "a call";
    const times = shown.length === 0 ? "0 times" : "twice";
    const found = `template ${name} writes ${what} of message ${turn + 1} ${times}`;
    throw new FileError(`${origin}: found that ${found}, wanted it once`);
  });
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
