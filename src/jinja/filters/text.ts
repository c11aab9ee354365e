/**
 * Jinja's filters of text.
 *
 * @module
 */

import { spend, spendText } from "../budget.ts";
import type { Filter } from "../environment.ts";
import { BLANK, strip } from "../methods/blanks.ts";
import { capitalized } from "../methods/letters.ts";
import {
  centered,
  needInteger,
  needPiece,
  needText,
  replaced,
  splitLines,
} from "../methods/strings.ts";
import { splitAtBlanks } from "../methods/split.ts";
import { percentFormat } from "../methods/percent.ts";
import { countCharacters, isIterable, lengthOf, listOf, textOf, truth } from "../values/compare.ts";
import { escapeHtml } from "../values/html.ts";
import { pieceOf, str } from "../values/text.ts";
import { cut, joined, remade, Traced } from "../values/traced.ts";
import { Dict, Markup, Tuple, type Value } from "../values/value.ts";

const WORD = /[\p{L}\p{N}_]+/gu;
const WORD_BEGINNING = new RegExp(`((?:[-({[<]|${BLANK})+)`);

const plain = (make: (text: string) => Value): Filter => (value, args) => {
  args.take("filter", []);
  const text = str(value);
  spendText(text.length);
  const made = make(text);
  return typeof made === "string" ? remade(pieceOf(value), made) : made;
};

const markup: Filter = (value) => new Markup(escapeHtml(value));

const escaped: Filter = (value) => value instanceof Markup ? value : new Markup(escapeHtml(value));

const replace: Filter = (value, args) => {
  const [from, to, most] = args.take("replace", ["old", "new", "count"], 2);
  return replaced(pieceOf(value), str(from!), pieceOf(to!), needInteger(most, -1));
};

const trim: Filter = (value, args) => {
  const [characters = null] = args.take("trim", ["chars"]);
  return strip(pieceOf(value), characters === null ? null : needText(characters), "both");
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
  // A line end after the text counts as one, and one at its end is kept.
  const lines = splitLines(joined([needPiece(value), "\n"]));
  spendText(lines.length * before.length);
  const [head = "", ...others] = lines;
  const indented = others.map((line) =>
    line !== "" || truth(blank) ? joined([before, line]) : line
  );
  return joined([joined([truth(first) ? before : "", head]), ...indented], "\n");
};

const truncate: Filter = (value, args) => {
  const names = ["length", "killwords", "end", "leeway"];
  const [length, killWords = false, end = "...", leeway] = args.take("truncate", names);
  const [most, mark] = [needInteger(length, 255), needText(end)];
  if (Number(lengthOf(value)) <= most + needInteger(leeway, 5)) return value;
  const head = [...needText(value)].slice(0, most - countCharacters(mark)).join("");
  const space = truth(killWords) ? -1 : head.lastIndexOf(" ");
  return joined([cut(pieceOf(value), 0, space < 0 ? head.length : space), mark]);
};

const format: Filter = (value, args) => {
  const { positional, named } = args;
  return percentFormat(pieceOf(value), named.size > 0 ? new Dict(named) : new Tuple(positional));
};

function titleOf(text: string): string {
  spend(text.length / 4);
  return text.split(WORD_BEGINNING).map((word) => {
    const [first = ""] = word;
    return first.toUpperCase() + word.slice(first.length).toLowerCase();
  }).join("");
}

const center: Filter = (value, args) =>
  centered(str(value), needInteger(args.take("center", ["width"])[0], 80));

/** As `urllib.parse.quote`, which lets `/` be; in a query `+` stands for a blank. */
function quoted(value: Value, inQuery = false): string {
  const text = str(value);
  spendText(3 * text.length);
  const made = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return inQuery ? made.replaceAll("%20", "+") : made.replaceAll("%2F", "/");
}

/** A text, or a query of a dict or of pairs. */
const urlencode: Filter = (value) => {
  if (textOf(value) !== undefined || !isIterable(value)) return quoted(value);
  const entries = value instanceof Dict ? [...value.entries()] : listOf(value).map(listOf);
  return entries.map((entry) => {
    if (entry.length !== 2) throw new TypeError(`found ${entry.length} values, wanted pairs`);
    return `${quoted(entry[0]!, true)}=${quoted(entry[1]!, true)}`;
  }).join("&");
};

/** Without tags and comments, runs of white space as one blank. */
function striptags(text: string): string {
  const kept: string[] = [];
  let at = 0;
  for (let open = text.indexOf("<"); open >= 0; open = text.indexOf("<", at)) {
    const isComment = text.startsWith("<!--", open);
    const mark = isComment ? "-->" : ">";
    const close = text.indexOf(mark, isComment ? open + 4 : open);
    if (close < 0) break;
    kept.push(text.slice(at, open));
    at = close + mark.length;
  }
  return splitAtBlanks([...kept, text.slice(at)].join(""), -1, false).join(" ");
}

/** By name. */
export const TEXT_FILTERS: Readonly<Record<string, Filter>> = {
  upper: plain((text) => text.toUpperCase()),
  lower: plain((text) => text.toLowerCase()),
  capitalize: plain(capitalized),
  title: plain(titleOf),
  wordcount: plain((text) => BigInt([...text.matchAll(WORD)].length)),
  striptags: plain(striptags),
  urlencode,
  string: (value) => value instanceof Markup ? value : pieceOf(value),
  safe: (value) => value instanceof Traced ? value : new Markup(str(value)),
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
