/**
 * Letters: what a text is made of, and its cases.
 *
 * @module
 */

import { spend } from "../budget.ts";
import { BLANK } from "./blanks.ts";

const CASED = /[\p{Uppercase}\p{Lowercase}\p{Lt}]/u;

const all = (kind: string) => {
  const pattern = new RegExp(`^(?:${kind})+$`, "u");
  return (text: string): boolean => pattern.test(text);
};
const hasCased = (text: string): boolean => CASED.test(text);

/** Whether a text has letters, and all of them are of titles: `A Bc`. */
function isTitle(text: string): boolean {
  spend(text.length / 2);

  let isAfterCased = false;
  for (const mark of text) {
    const isUpper = /[\p{Lu}\p{Lt}]/u.test(mark);
    if (isUpper ? isAfterCased : !isAfterCased && CASED.test(mark)) return false;
    isAfterCased = CASED.test(mark);
  }
  return hasCased(text);
}

/** Python's tests of a text, by name. */
export const IS: Readonly<Record<string, (text: string) => boolean>> = {
  isalpha: all(String.raw`\p{L}`),
  isalnum: all(String.raw`[\p{L}\p{N}]`),
  isdecimal: all(String.raw`\p{Nd}`),
  isdigit: all(String.raw`[\p{Nd}\xb2\xb3\xb9\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468]`),
  isnumeric: all(String.raw`\p{N}`),
  isspace: all(BLANK),
  // deno-lint-ignore no-control-regex -- ASCII begins with them
  isascii: (text) => /^[\x00-\x7f]*$/.test(text),
  isidentifier: all(
    String.raw`(?<![^])[_\p{L}\p{Nl}]|(?<=[^])[_\p{L}\p{Nl}\p{Nd}\p{Mn}\p{Mc}\p{Pc}]`,
  ),
  isprintable: (text) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text),
  isupper: (text) => hasCased(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text),
  islower: (text) => hasCased(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text),
  istitle: isTitle,
};

/** Upper case as titles have it: of a pair like "ǆ", the first alone. */
const TITLE_CASE: Readonly<Record<string, string>> = {
  "ß": "Ss",
  "ǆ": "ǅ",
  "ǉ": "ǈ",
  "ǌ": "ǋ",
  "ǳ": "ǲ",
  "ﬁ": "Fi",
  "ﬂ": "Fl",
  "ﬀ": "Ff",
};

const titleCase = (mark: string): string => TITLE_CASE[mark] ?? mark.toUpperCase();

/** `str.capitalize`. */
export function capitalized(text: string): string {
  const [first = ""] = text;
  return titleCase(first) + text.slice(first.length).toLowerCase();
}

/** `str.title`: each run of letters, also after an apostrophe. */
export function titled(text: string): string {
  spend(text.length / 2);

  let isAfterCased = false;
  return Array.from(text, (mark) => {
    const made = isAfterCased ? mark.toLowerCase() : titleCase(mark);
    isAfterCased = CASED.test(mark);
    return made;
  }).join("");
}

/** `str.swapcase`. */
export function swapped(text: string): string {
  spend(text.length / 2);

  return Array.from(text, (mark) => {
    const upper = mark.toUpperCase();
    return mark === upper ? mark.toLowerCase() : upper;
  }).join("");
}
