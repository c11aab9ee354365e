/**
 * Texts as words, by which all of the quality tools compare them.
 *
 * @module
 */
import { hash } from "../random.ts";

/** Scripts written without spaces: a character is a word. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[[\p{L}\p{M}\p{N}]--[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]]+/gv;

/**
 * The words of a text in lower case: runs of letters and digits, without what stands between them.
 * Of ASCII text the same words as the tokenizer of google-research's `rouge_score`.
 */
export function words(text: string): string[] {
  return text.toLowerCase().match(WORD) ?? [];
}

/** The runs of n words, as strings; one run of all words where there are fewer, none of none. */
export function ngrams(words: readonly string[], n: number): string[] {
  if (words.length === 0) return [];
  const count = Math.max(1, words.length - n + 1);
  return Array.from({ length: count }, (_, i) => words.slice(i, i + n).join(" "));
}

/** A 32-bit hash of a text's UTF-16 units. */
export function hashText(text: string, seed = 0): number {
  const units = new Uint16Array(text.length);
  for (let i = 0; i < units.length; i++) units[i] = text.charCodeAt(i);
  return hash(seed, units);
}
