/**
 * Jinja's filters of text.
 *
 * @module
 */

import { spendText } from "../budget.ts";
import type { Filter } from "../environment.ts";
import { BLANK, strip } from "../methods/blanks.ts";
import { capitalized } from "../methods/letters.ts";
import { centered, needInteger, needText, replaced, splitLines } from "../methods/strings.ts";
import { percentFormat } from "../methods/percent.ts";
import { countCharacters, textOf, truth } from "../values/compare.ts";
import { escapeHtml } from "../values/html.ts";
import { str } from "../values/text.ts";
import { Dict, Markup, Tuple, type Value } from "../values/value.ts";

const WORD = /[\p{L}\p{N}_]+/gu;
const WORD_BEGINNING = new RegExp(`((?:[-({[<]|${BLANK})+)`);

const plain = (make: (text: string) => Value): Filter => (value, args) => {
  args.take("filter", []);
  const text = str(value);
  spendText(text.length);
  return make(text);
};

const markup: Filter = (value) => new Markup(escapeHtml(value));

const escaped: Filter = (value) => value instanceof Markup ? value : new Markup(escapeHtml(value));

const replace: Filter = (value, args) => {
  const [from, to, most] = args.take("replace", ["old", "new", "count"], 2);
  return replaced(str(value), str(from!), str(to!), needInteger(most, -1));
};

const trim: Filter = (value, args) => {
  const [characters = null] = args.take("trim", ["chars"]);
  return strip(str(value), characters === null ? null : needText(characters), "both");
};

const indent: Filter = (value, args) => {
  const [width = 4n, first = false, blank = false] = args.take("indent", [
    "width",
    "first",
    "blank",
  ]);
  const size = textOf(width) === undefined ? needInteger(width, 4) : 0;
  spendText(size);
  const before = textOf(width) ?? " ".repeat(Math.max(0, size));
  const lines = splitLines(`${needText(value)}\n`);
  spendText(lines.length * before.length);
  const [head = "", ...others] = lines;
  const indented = others.map((line) => line !== "" || truth(blank) ? before + line : line);
  return (truth(first) ? before : "") + [head, ...indented].join("\n");
};

const truncate: Filter = (value, args) => {
  const names = ["length", "killwords", "end", "leeway"];
  const [length, killWords = false, end = "...", leeway] = args.take("truncate", names);
  const text = needText(value);
  const [most, mark] = [needInteger(length, 255), needText(end)];
  if (countCharacters(text) <= most + needInteger(leeway, 5)) return text;
  const head = [...text].slice(0, most - countCharacters(mark)).join("");
  const space = truth(killWords) ? -1 : head.lastIndexOf(" ");
  return (space < 0 ? head : head.slice(0, space)) + mark;
};

const format: Filter = (value, args) => {
  const { positional, named } = args;
  return percentFormat(str(value), named.size > 0 ? new Dict(named) : new Tuple(positional));
};

const titleOf = (text: string): string =>
  text.split(WORD_BEGINNING).map((word) => {
    const [first = ""] = word;
    return first.toUpperCase() + word.slice(first.length).toLowerCase();
  }).join("");

const center: Filter = (value, args) =>
  centered(str(value), needInteger(args.take("center", ["width"])[0], 80));

/** As `urllib.parse.quote`, which lets `/` be. */
function quoted(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  ).replaceAll("%2F", "/");
}

const striptags = (text: string): string =>
  text.replace(/<!--[^]*?-->|<[^>]*>/g, "").split(new RegExp(`${BLANK}+`)).join(" ").trim();

/** By name. */
export const TEXT_FILTERS: Readonly<Record<string, Filter>> = {
  upper: plain((text) => text.toUpperCase()),
  lower: plain((text) => text.toLowerCase()),
  capitalize: plain(capitalized),
  title: plain(titleOf),
  wordcount: plain((text) => BigInt([...text.matchAll(WORD)].length)),
  striptags: plain(striptags),
  urlencode: plain(quoted),
  string: (value) => value instanceof Markup ? value : str(value),
  safe: (value) => new Markup(str(value)),
  e: escaped,
  escape: escaped,
  forceescape: markup,
  center,
  format,
  indent,
  replace,
  trim,
  truncate,
};
