/**
 * Stretches of text to tokens with their mask. Special tokens become their ids where a template wrote
 * them, and stay the text that was typed elsewhere.
 *
 * @module
 */

import { ConfigError } from "../../errors.ts";
import type { Range, RowTokenizer, Span, SpansDocument } from "../example.ts";
import { UNSUPERVISED } from "../../rows/content.ts";
import { alternatives } from "./answers.ts";

/** Text that is supervised as a whole or not at all. */
export interface Stretch {
  readonly text: string;
  readonly supervised: boolean;
  /** Where in it special tokens are read as such. */
  readonly written: readonly Range[];
  /** The token that follows it, supervised as it is. */
  readonly end?: number | undefined;
}

/** A span as it is encoded, with what its document says of special tokens. */
export function spanStretch(
  { text, written = [], supervised, eos }: Span,
  { readsSpecial = false }: SpansDocument,
  tokenizer: RowTokenizer,
): Stretch {
  return {
    text,
    supervised,
    written: readsSpecial ? [[0, text.length]] : written,
    end: eos ? endOf(tokenizer) : undefined,
  };
}

/**
 * The token that ends an answer.
 *
 * @throws {ConfigError} where the tokenizer has none.
 */
export function endOf(tokenizer: RowTokenizer): number {
  if (tokenizer.eos !== null) return tokenizer.eos;
  throw new ConfigError("The tokenizer has no EOS token, wanted one to end each answer");
}

/** A run of text that the tokenizer sees at once, and what stands before it. */
interface TextRun extends Pick<Stretch, "text" | "supervised" | "end"> {
  /** The special token that ends the run before, "" at the start, else a line end. */
  readonly before: string;
}

/** Stretches as tokens. */
export interface EncodedStretches {
  readonly ids: number[];
  readonly labels: number[];
  /** Whether special tokens stand in them that are not read as such. */
  readonly hasTypedSpecial: boolean;
  /** Whether the vocabulary lacks some of what is supervised. */
  readonly learnsUnknown: boolean;
}

/**
 * Encodes stretches one after the other, in the context of what stands before each. Text that has a
 * typed special token in it is cut within that, so that it stays what it is and ends no turn.
 */
export function encodeStretches(
  stretches: readonly Stretch[],
  tokenizer: RowTokenizer,
  specialTokens: readonly string[],
): EncodedStretches {
  const ids: number[] = [];
  const labels: number[] = [];
  const { unknown = null, drops = () => false } = tokenizer;
  let learnsUnknown = false;
  const { runs, hasTypedSpecial } = textRuns(stretches, specialTokens);
  for (const { text, supervised, before, end } of runs) {
    const found = encodeAfter(tokenizer, before, text);
    learnsUnknown ||= supervised && (unknown !== null && found.includes(unknown) || drops(text));
    for (const id of end === undefined ? found : [...found, end]) {
      ids.push(id);
      labels.push(supervised ? id : UNSUPERVISED);
    }
  }
  return { ids, labels, hasTypedSpecial, learnsUnknown };
}

/**
 * The ids of a text that follows another: tokenizers of the SentencePiece kind put a space before
 * what they take for the beginning of a text.
 */
function encodeAfter({ encode }: RowTokenizer, before: string, text: string): number[] {
  if (before === "" || text === "") return encode(text);
  const head = encode(before);
  const ids = encode(before + text);
  return head.every((id, i) => id === ids[i]) ? ids.slice(head.length) : encode(text);
}

/** The stretches, cut once more within what looks like a special token but was typed. */
function textRuns(stretches: readonly Stretch[], specialTokens: readonly string[]) {
  const text = stretches.map((stretch) => stretch.text).join("");
  const { ends, cuts } = findSpecial(text, writtenIn(stretches), specialTokens);
  const runs: TextRun[] = [];
  let at = 0;
  for (const { text: { length }, supervised, end } of stretches) {
    const to = at + length;
    const inner = cuts.filter((cut) => at < cut && cut < to);
    for (const cut of [...inner, to]) {
      const before = at === 0 ? "" : ends.get(at) ?? "\n";
      runs.push({
        text: text.slice(at, cut),
        supervised,
        before,
        end: cut === to ? end : undefined,
      });
      at = cut;
    }
  }
  return { runs, hasTypedSpecial: cuts.length > 0 };
}

/** Where in the text of all stretches special tokens are read as such. */
function writtenIn(stretches: readonly Stretch[]): Range[] {
  let at = 0;
  return stretches.flatMap(({ text, written }) => {
    const from = at;
    at += text.length;
    return written.map(([begin, end]): Range => [from + begin, from + end]);
  });
}

/** `ends`: where a special token ends, by its text. `cuts`: where to cut one that is not to be. */
function findSpecial(
  text: string,
  written: readonly Range[],
  specialTokens: readonly string[],
): { ends: Map<number, string>; cuts: number[] } {
  const ends = new Map<number, string>();
  const cuts: number[] = [];
  if (specialTokens.length === 0) return { ends, cuts };
  const special = patternOf(specialTokens);
  special.lastIndex = 0;
  for (let match; (match = special.exec(text)) !== null;) {
    const { 0: token, index } = match;
    const end = index + token.length;
    if (written.some(([first, last]) => first <= index && end <= last)) ends.set(end, token);
    else cuts.push(special.lastIndex = index + (token.codePointAt(0)! > 0xffff ? 2 : 1));
  }
  return { ends, cuts };
}

const patterns = new WeakMap<readonly string[], RegExp>();

/** What finds special tokens, made once for all rows. */
function patternOf(specialTokens: readonly string[]): RegExp {
  const found = patterns.get(specialTokens) ?? new RegExp(alternatives(specialTokens), "gu");
  patterns.set(specialTokens, found);
  return found;
}
