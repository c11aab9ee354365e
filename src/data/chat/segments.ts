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
import type { Message } from "../formats/content.ts";
import type { ChatDocument, ChatFacts } from "../example.ts";
import { END_TOKENS } from "./builtin.ts";
import { type ChatTemplate, GENERATION_BEGIN, GENERATION_END } from "./template.ts";

/** Text that the template writes, or text of a message. */
export interface Part {
  readonly text: string;
  readonly fromTemplate: boolean;
}

/** Text that is encoded apart from its neighbours. */
export interface Segment {
  readonly parts: readonly Part[];
  readonly supervised: boolean;
}

/** A part, with the message that it comes from. */
interface Placed extends Part {
  readonly message: Message | null;
}

/** Text with the answer that it belongs to, if any. */
interface Assigned extends Part {
  readonly answer: { readonly supervised: boolean } | null;
}

const MARK_BEGIN = "\ufdd0";
const MARK_END = "\ufdd1";
const GENERATION_MARK = /([\ufdd2\ufdd3])/;
const RESERVED = /[\ufdd0-\ufdd3]/;

/**
 * The segments of a chat. An answer is an assistant's text with the spaces that the template puts
 * right before it (a model answers " Yes" to "ASSISTANT:") and all up to the end token that follows;
 * or, where the template has `{% generation %}`, what that encloses.
 *
 * @throws {FileError} if the template refuses the chat or changes a text beyond trimming it.
 * @throws {ConfigError} if no end token follows an answer and it needs one.
 */
export function chatSegments(
  document: ChatDocument,
  facts: ChatFacts,
  { needsEnd = true }: { readonly needsEnd?: boolean } = {},
): Segment[] {
  const template = document.template ?? facts.template;
  if (template === null) {
    throw new ConfigError(
      `${document.origin}: found a chat, but the model has no chat template, wanted data.template`,
    );
  }
  const parts = placedParts(document, template, facts);
  const isMarked = parts.some(({ text }) => text.includes(GENERATION_BEGIN));
  if (isMarked) return grouped(answersByMarks(parts));
  return grouped(answersByEndToken(parts, template, { ...facts, needsEnd }));
}

/** The rendered chat, cut where a message's text begins and ends. */
function placedParts(document: ChatDocument, template: ChatTemplate, facts: ChatFacts): Placed[] {
  const { messages, origin } = document;
  const reserved = messages.findIndex(({ content }) => RESERVED.test(content));
  if (reserved >= 0) {
    throw new FileError(`${origin}: found a noncharacter in message ${reserved + 1}, wanted text`);
  }
  const rendered = template.render(messages, facts, origin);
  const marked = messages.map(({ role, content }, i) => ({
    role,
    content: content.trim() === "" ? content : MARK_BEGIN + i + MARK_END,
  }));
  const pieces = template.render(marked, facts, origin).split(/\ufdd0(\d+)\ufdd1/);
  checkAnswers(document, template, pieces.filter((_, i) => i % 2 === 1).map(Number));
  return align(pieces, rendered, document, template);
}

/** Every assistant's text must be there, once. */
function checkAnswers(
  { messages, origin }: ChatDocument,
  { name }: ChatTemplate,
  shown: readonly number[],
): void {
  messages.forEach(({ role }, i) => {
    const times = shown.filter((index) => index === i).length;
    if (role !== "assistant" || times === 1) return;
    const found = `template ${name} writes the text of message ${i + 1} ${times} times`;
    throw new FileError(`${origin}: found that ${found}, wanted it once`);
  });
}

/** Walks the rendered text along the template's own text; each message's text is what is between. */
function align(
  pieces: readonly string[],
  rendered: string,
  { messages, origin }: ChatDocument,
  { name }: ChatTemplate,
): Placed[] {
  const parts: Placed[] = [];
  let at = 0;
  for (let i = 0; i < pieces.length; i += 2) {
    const own = pieces[i]!;
    parts.push({ text: own, fromTemplate: true, message: null });
    at += own.length;
    if (i + 1 === pieces.length) break;
    const index = Number(pieces[i + 1]);
    const message = messages[index]!;
    const text = formsOf(message.content).find((form) =>
      rendered.startsWith(form + pieces[i + 2]!, at)
    );
    if (text === undefined) {
      const found = `template ${name} changes the text of message ${index + 1} or what follows it`;
      throw new FileError(`${origin}: found that ${found}, wanted it as it is, at most trimmed`);
    }
    parts.push({ text, fromTemplate: false, message });
    at += text.length;
  }
  if (rendered === parts.map(({ text }) => text).join("")) return parts;
  const found = `template ${name} writes other text around these messages than around others`;
  throw new FileError(`${origin}: found that ${found}, wanted the same for all`);
}

/** A text as it is, and as templates trim it. */
function formsOf(content: string): string[] {
  return [content, content.trim(), content.trimEnd(), content.trimStart()];
}

/** Gives each answer the spaces before it and the end token after it. */
function answersByEndToken(
  parts: readonly Placed[],
  template: ChatTemplate,
  { bosToken, eosToken, needsEnd }: ChatFacts & { readonly needsEnd: boolean },
): Assigned[] {
  const ends = [eosToken, ...END_TOKENS].filter((token) => token !== "" && token !== bosToken);
  const end = new RegExp(`^\\s*(?:${alternatives(ends)})+`);
  return parts.flatMap((part, i): Assigned[] => {
    if (part.message !== null) return [{ ...part, answer: answerOf(part) }];
    const before = answerOf(parts[i - 1]);
    const after = answerOf(parts[i + 1]);
    const ending = before && end.exec(part.text)?.[0];
    if (ending === undefined && needsEnd) throw noEnd(template, part.text);
    const rest = part.text.slice(ending?.length ?? 0);
    const context = after ? rest.replace(/ +$/, "") : rest;
    return [
      { text: ending ?? "", fromTemplate: true, answer: before },
      { text: context, fromTemplate: true, answer: null },
      { text: rest.slice(context.length), fromTemplate: true, answer: after },
    ];
  });
}

/** The message of a part, if it is an assistant's. */
function answerOf(part: Placed | undefined): Message | null {
  return part?.message?.role === "assistant" ? part.message : null;
}

/**
 * Gives each answer what is within the same `{% generation %}`, and what is within one that holds no
 * answer (some templates write the end token so) to the answer before it.
 */
function answersByMarks(parts: readonly Placed[]): Assigned[] {
  const assigned: Assigned[] = [];
  let answer: { supervised: boolean } | null = null;
  let supervised = true; // of the last answer
  for (const { text, fromTemplate, message } of parts) {
    if (message?.role === "assistant") supervised = message.supervised;
    if (answer && message?.role === "assistant") answer.supervised = supervised;
    const pieces = fromTemplate ? text.split(GENERATION_MARK) : [text];
    for (const piece of pieces) {
      if (piece === GENERATION_BEGIN) answer = { supervised };
      else if (piece === GENERATION_END) answer = null;
      else assigned.push({ text: piece, fromTemplate, answer });
    }
  }
  return assigned;
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
