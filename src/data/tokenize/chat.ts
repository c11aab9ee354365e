/**
 * Segments of a chat to tokens with their mask.
 *
 * @module
 */

import { type ChatFacts, type RowTokenizer, UNSUPERVISED } from "../example.ts";
import { alternatives, type Part } from "./answers.ts";
import type { Segment } from "./segments.ts";

/** A run of text that the tokenizer sees at once, and what stands before it. */
interface TextRun {
  readonly text: string;
  readonly supervised: boolean;
  /** The special token that ends the run before, "" at the start, else a line end. */
  readonly before: string;
}

/**
 * Encodes segments one after the other, in the context of what stands before each. Special tokens
 * become their ids where the template writes them; where a message's text has a part in one, the
 * text is cut within it, so that it stays what the user typed and ends no turn.
 */
export function encodeSegments(
  segments: readonly Segment[],
  tokenizer: RowTokenizer,
  facts: ChatFacts,
): { ids: number[]; labels: number[] } {
  const ids: number[] = [];
  const labels: number[] = [];
  for (const { text, supervised, before } of textRuns(segments, facts.specialTokens)) {
    for (const id of encodeAfter(tokenizer, before, text)) {
      ids.push(id);
      labels.push(supervised ? id : UNSUPERVISED);
    }
  }
  return { ids, labels };
}

/**
 * The ids of a text that follows another: tokenizers of the SentencePiece kind put a space before
 * what they take for the beginning of a text.
 */
function encodeAfter({ encode }: RowTokenizer, before: string, text: string): number[] {
  const head = before === "" ? [] : encode(before);
  const ids = encode(before + text);
  return head.every((id, i) => id === ids[i]) ? ids.slice(head.length) : encode(text);
}

/** The segments, cut once more within what looks like a special token but was not the template's. */
function textRuns(segments: readonly Segment[], specialTokens: readonly string[]): TextRun[] {
  const parts = segments.flatMap(({ parts }) => parts);
  const text = parts.map((part) => part.text).join("");
  const { ends, cuts } = findSpecial(text, writtenByTemplate(parts), specialTokens);
  const found: TextRun[] = [];
  let at = 0;
  for (const { parts, supervised } of segments) {
    const end = at + parts.reduce((length, part) => length + part.text.length, 0);
    for (const cut of [...cuts.filter((cut) => at < cut && cut < end), end]) {
      const before = at === 0 ? "" : ends.get(at) ?? "\n";
      found.push({ text: text.slice(at, cut), supervised, before });
      at = cut;
    }
  }
  return found;
}

/** Where each part that the template writes begins and ends. */
function writtenByTemplate(parts: readonly Part[]): [begin: number, end: number][] {
  let at = 0;
  return parts.flatMap(({ text, fromTemplate }) => {
    const range: [number, number] = [at, at += text.length];
    return fromTemplate ? [range] : [];
  });
}

/** `ends`: where a special token ends, by its text. `cuts`: where to cut one that is not to be. */
function findSpecial(
  text: string,
  written: readonly [begin: number, end: number][],
  specialTokens: readonly string[],
): { ends: Map<number, string>; cuts: number[] } {
  const ends = new Map<number, string>();
  const cuts: number[] = [];
  if (specialTokens.length === 0) return { ends, cuts };
  const special = new RegExp(alternatives(specialTokens), "gu");
  for (let match; (match = special.exec(text)) !== null;) {
    const { 0: token, index } = match;
    const end = index + token.length;
    if (written.some(([first, last]) => first <= index && end <= last)) ends.set(end, token);
    else cuts.push(special.lastIndex = index + (token.codePointAt(0)! > 0xffff ? 2 : 1));
  }
  return { ends, cuts };
}
