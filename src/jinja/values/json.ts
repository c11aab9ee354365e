/**
 * JSON as Python reads and writes it: 1 and 1.0, large integers and the order of keys stay as they are.
 *
 * @module
 */

import { spend } from "../budget.ts";
import { order, textOf } from "./compare.ts";
import { floatText, integerText, MOST_DIGITS, pieceOf } from "./text.ts";
import { joined, type Piece, substituted, TextBuilder } from "./traced.ts";
import { Dict, Tuple, typeName, type Value } from "./value.ts";

/** How `json.dumps` writes. */
export interface DumpOptions {
  readonly ensureAscii?: boolean;
  /** What each level is indented by; null for one line. */
  readonly indent?: string | null;
  /** Between items, and after a key. */
  readonly separators?: readonly [string, string];
  readonly sortKeys?: boolean;
}

/**
 * `json.dumps`.
 *
 * @throws {TypeError} for what JSON cannot hold.
 */
export function dumps(value: Value, options: DumpOptions = {}): Piece {
  const { ensureAscii = false, indent = null, sortKeys = false } = options;
  const [item, colon] = options.separators ?? [indent === null ? ", " : ",", ": "];
  const quote = ensureAscii ? asciiQuoted : jsonQuoted;
  const out = new TextBuilder();
  const list = (marks: string, level: string, writers: readonly (() => void)[]) => {
    out.add(marks[0]!);
    const inner = indent === null ? "" : level + indent;
    writers.forEach((write, i) => {
      out.add((i > 0 ? item : "") + inner);
      write();
    });
    out.add((writers.length > 0 ? level : "") + marks[1]!);
  };
  const write = (value: Value, level: string): void => {
    spend();
    if (textOf(value) !== undefined) return out.add(quote(pieceOf(value)));
    if (value === null || typeof value === "boolean") return out.add(String(value));
    if (typeof value === "bigint") return out.add(integerText(value));
    if (typeof value === "number") return out.add(jsonFloat(value));
    const inner = indent === null ? "" : level + indent;
    const items = value instanceof Tuple ? value.items : value;
    if (Array.isArray(items)) return list("[]", level, items.map((one) => () => write(one, inner)));
    if (!(value instanceof Dict)) {
      throw new TypeError(`Object of type ${typeName(value)} is not JSON serializable`);
    }
    const entries = [...value.entries()];
    if (sortKeys) entries.sort(([a], [b]) => order(a, b));
    list(
      "{}",
      level,
      entries.map(([key, one]) => () => {
        out.add(joined([quote(keyText(key)), colon]));
        write(one, inner);
      }),
    );
  };
  write(value, indent === null ? "" : "\n");
  return out.build();
}

function jsonFloat(value: number): string {
  if (Number.isFinite(value)) return floatText(value);
  return Number.isNaN(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
}

function keyText(key: Value): string {
  const text = textOf(key);
  if (text !== undefined) return text;
  if (key === null || typeof key === "boolean") return String(key);
  if (typeof key === "bigint") return integerText(key);
  if (typeof key === "number") return jsonFloat(key);
  throw new TypeError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

const MARKS: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\f": "\\f",
  "\b": "\\b",
};

const unicodeEscape = (mark: string): string =>
  MARKS[mark] ?? `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`;

const quoted = (piece: Piece, pattern: RegExp): Piece =>
  joined(['"', substituted(piece, pattern, (mark) => mark.replace(/[^]/g, unicodeEscape)), '"']);

// deno-lint-ignore no-control-regex -- control characters are what JSON escapes
const jsonQuoted = (piece: Piece): Piece => quoted(piece, /["\\\x00-\x1f]/g);

const asciiQuoted = (piece: Piece): Piece => quoted(piece, /["\\]|[^ -~]/g);

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const WORDS: Readonly<Record<string, Value>> = {
  true: true,
  false: false,
  null: null,
  NaN,
  Infinity,
  "-Infinity": -Infinity,
};
const WORD = /true|false|null|NaN|-?Infinity/y;
// deno-lint-ignore no-control-regex -- control characters are not allowed in strings of JSON
const STRING = /"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\x00-\x1f]*)*"/y;
const BLANK = /[ \t\n\r]*/y;

/**
 * `json.loads`.
 *
 * @throws {SyntaxError} where it is no JSON.
 */
export function loads(json: string): Value {
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(json);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const take = (mark: string) => {
    match(BLANK);
    if (json[at] !== mark) return false;
    at++;
    match(BLANK);
    return true;
  };
  const fail = (): never => {
    throw new SyntaxError(`found no JSON at character ${at + 1}`);
  };
  const string = (): string => {
    const found = match(STRING) ?? fail();
    return JSON.parse(found[0]);
  };
  /** Items divided by commas, up to what closes them. */
  const list = (close: string, item: () => void) => {
    if (take(close)) return;
    do item(); while (take(","));
    if (!take(close)) fail();
  };
  const value = (): Value => {
    if (take("{")) {
      const dict = new Dict();
      list("}", () => {
        const key = string();
        if (!take(":")) fail();
        dict.set(key, value());
      });
      return dict;
    }
    if (take("[")) {
      const items: Value[] = [];
      list("]", () => items.push(value()));
      return items;
    }
    if (json[at] === '"') return string();
    const word = match(WORD);
    if (word) return WORDS[word[0]]!;
    const number = match(NUMBER) ?? fail();
    if (number[1] ?? number[2]) return Number(number[0]);
    return number[0].length > MOST_DIGITS ? fail() : BigInt(number[0]);
  };
  match(BLANK);
  const found = value();
  match(BLANK);
  return at === json.length ? found : fail();
}
