/**
 * Texts of a given width.
 *
 * @module
 */

import { spendText } from "../budget.ts";
import { countCharacters } from "../values/compare.ts";

/** Where a text stands in its width; "=" puts the filling after a sign. */
export type Align = "<" | ">" | "^" | "=";

/** A text of at least `width` characters. `rounded` gives the odd one of the middle to the left. */
export function pad(text: string, width: number, align: Align, fill = " "): string {
  const missing = width - countCharacters(text);
  if (missing <= 0) return text;
  spendText(text.length + missing * fill.length);
  if (align === "<") return text + fill.repeat(missing);
  if (align === ">") return fill.repeat(missing) + text;
  if (align === "=") {
    const sign = /^[-+ ]?(?:0[xXob])?/.exec(text)![0];
    return sign + fill.repeat(missing) + text.slice(sign.length);
  }
  const left = Math.floor(missing / 2);
  return fill.repeat(left) + text + fill.repeat(missing - left);
}
