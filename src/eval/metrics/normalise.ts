/**
 * Answers made alike before they are compared, as the official scripts of datasets do it.
 *
 * @module
 */

/** Python's `string.punctuation`. */
const PUNCTUATION = /[!-/:-@[-`{-~]/g;
/** What Python's `str.split()` divides at. */
// deno-lint-ignore no-control-regex -- four of them are spaces to Python
const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;
/** Whole words in the sense of Python's `re`. */
const ARTICLES = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;

/** The words of a text as Python's `str.split()` gives them. */
export const splitWords = (text: string): string[] =>
  text.split(SPACES).filter((word) => word !== "");

/**
 * In lower case, without punctuation, single spaces: `normalize_answer` of Super-NaturalInstructions
 * (eval/automatic/evaluation.py of allenai/natural-instructions), which keeps articles.
 */
export const normalise = (text: string): string =>
  splitWords(text.toLowerCase().replace(PUNCTUATION, "")).join(" ");

/** The same without the words a, an and the: `normalize_answer` of SQuAD's evaluation script. */
export const normaliseSquad = (text: string): string =>
  splitWords(text.toLowerCase().replace(PUNCTUATION, "").replace(ARTICLES, " ")).join(" ");

/**
 * The answer in a text as answers to BIG-Bench Hard are read (opencompass/datasets/bbh.py): the line
 * after "answer is " where that is said, without a full stop at its end.
 */
export function bbhAnswer(text: string): string {
  const [whole, after] = text.split("answer is ");
  const line = (after ?? whole!).trim().split("\n")[0]!.trim();
  return line.endsWith(".") ? line.slice(0, -1) : line;
}

/** The letter of an option, such as that of `(B)`; a capital alone where no bracket opens. */
export function bbhOption(text: string): string {
  const answer = text.split("answer is ")[1]?.trim() ?? text;
  return /\(([A-Z])/.exec(answer)?.[1] ?? /[A-Z]/.exec(answer)?.[0] ?? answer;
}
