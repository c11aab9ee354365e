/**
 * HTML's escapes, as markupsafe has them.
 *
 * @module
 */

import { spendText } from "../budget.ts";
import { str } from "./text.ts";
import { Markup, type Value } from "./value.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};

/** A value's text as it is written into HTML. */
export function escapeHtml(value: Value): string {
  if (value instanceof Markup) return value.text;
  const text = str(value);
  spendText(5 * text.length);
  return text.replace(/[&<>"']/g, (mark) => ESCAPES[mark]!);
}
