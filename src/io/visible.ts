/**
 * Text of strangers, made safe to print: rows, answers of models, names of files, tensors and
 * repositories.
 *
 * @module
 */

/**
 * What a terminal would act on: control characters but line ends and tabs, and those that turn the
 * direction of what follows, by which text can be made to look like other text.
 */
const ACTING = /(?![\n\t])\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** `text` with what a terminal would act on as escapes: `\u001b[31m`. */
export function visible(text: string): string {
  return text.replace(ACTING, escaped);
}

/** The same of a text that is to stay on one line. */
export function visibleLine(text: string): string {
  return visible(text).replace(/[\n\t]/g, (c) => c === "\n" ? "\\n" : "\\t");
}

const escaped = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
