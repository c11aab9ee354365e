/**
 * Jinja's lexer: what it takes for text, which white space a tag eats, and how a string or number is
 * written. As jinja2/lexer.py of Jinja 3.1 has it; its tokens are those of the library's parser.
 *
 * @module
 */

import { BLANK, strip } from "../methods/blanks.ts";
import { MOST_DIGITS } from "../values/text.ts";
import { unescaped } from "./string_literal.ts";

/** A token of `@huggingface/jinja`. */
export interface Token {
  readonly value: string;
  readonly type: string;
}

/** What a template's author may count on about white space around tags. */
export interface WhiteSpace {
  /** A line end after a statement or comment is left out. */
  readonly trimBlocks?: boolean;
  /** So are blanks between the start of a line and a statement or comment. */
  readonly lstripBlocks?: boolean;
}

/** A stretch of the template: text as it is written out, or what is between a tag's braces. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "expression" | "statement"; readonly tokens: Token[] };

const ONLY_BLANKS = new RegExp(`^${BLANK}+$`);
const BLANKS = new RegExp(`${BLANK}*`, "y");

const OPENING = new RegExp(
  String.raw`\{%([-+]?)${BLANK}*raw${BLANK}*(?:-%\}${BLANK}*|%\})|\{([{%#])([-+]?)`,
  "g",
);
const END_RAW = new RegExp(String.raw`\{%([-+]?)${BLANK}*endraw${BLANK}*([-+]?)%\}`, "g");
const END_COMMENT = /([-+]?)#\}/g;

const FLOAT = /(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const NAME = /[\p{L}\p{N}_]+/uy;
const STRING = /'[^'\\]*(?:\\[^][^'\\]*)*'|"[^"\\]*(?:\\[^][^"\\]*)*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,]/y;

const TYPES: Readonly<Record<string, string>> = {
  "=": "Equals",
  "(": "OpenParen",
  ")": "CloseParen",
  "[": "OpenSquareBracket",
  "]": "CloseSquareBracket",
  "{": "OpenCurlyBracket",
  "}": "CloseCurlyBracket",
  ",": "Comma",
  ".": "Dot",
  ":": "Colon",
  "|": "Pipe",
  "**": "ExponentiationBinaryOperator",
  ...Object.fromEntries(["+", "-", "~"].map((mark) => [mark, "AdditiveBinaryOperator"])),
  ...Object.fromEntries(
    ["*", "/", "//", "%"].map((mark) => [mark, "MultiplicativeBinaryOperator"]),
  ),
  ...Object.fromEntries(
    ["==", "!=", "<", ">", "<=", ">="].map((mark) => [mark, "ComparisonBinaryOperator"]),
  ),
};
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** Brackets in one another; Python reads no more. */
const MOST_OPEN = 200;

/** A name that stands for the literal of an integer that no number holds. */
export const LARGE_INTEGER = "%integer";

/**
 * The pieces of a template.
 *
 * @throws {SyntaxError} with the line at which it cannot be read.
 */
export function pieces(template: string, { trimBlocks, lstripBlocks }: WhiteSpace): Piece[] {
  const source = template.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  const found: Piece[] = [];
  let at = 0;
  const push = (text: string) => {
    if (text !== "") found.push({ kind: "text", text });
  };
  /** The text before a tag, without what the tag eats. */
  const before = (text: string, sign: string, isVariable: boolean) => {
    if (sign === "-") return strip(text, null, "right");
    if (sign === "+" || !lstripBlocks || isVariable) return text;
    const line = text.lastIndexOf("\n") + 1;
    const isLineStart = line > 0 || at === 0 || source[at - 1] === "\n";
    return isLineStart && ONLY_BLANKS.test(text.slice(line)) ? text.slice(0, line) : text;
  };
  /** Goes behind a tag and what it eats after it. */
  const pass = (end: number, sign: string, trims: boolean) => {
    at = end;
    if (sign === "-") at = matchAt(BLANKS, source, at)!.end;
    else if (sign !== "+" && trims && trimBlocks && source[at] === "\n") at++;
  };
  while (at < source.length) {
    OPENING.lastIndex = at;
    const opening = OPENING.exec(source);
    if (opening === null) {
      push(source.slice(at));
      break;
    }
    const { 0: mark, 2: kind, index } = opening;
    const sign = opening[1] ?? opening[3]!;
    push(before(source.slice(at, index), sign, kind === "{"));
    at = index + mark.length;
    if (kind === "{" || kind === "%") {
      const { tokens, end, sign } = tagTokens(source, at, kind === "{" ? "}}" : "%}");
      found.push({ kind: kind === "{" ? "expression" : "statement", tokens });
      pass(end, sign, kind === "%");
      continue;
    }
    const closing = kind === "#" ? END_COMMENT : END_RAW;
    closing.lastIndex = at;
    const close = closing.exec(source);
    if (close === null) {
      throw syntaxError(source, index, `${kind === "#" ? "{#" : "raw"} is not closed`);
    }
    if (kind === undefined) push(before(source.slice(at, close.index), close[1]!, false));
    pass(closing.lastIndex, close[kind === undefined ? 2 : 1]!, true);
  }
  return found;
}

/** The tokens up to the end of a tag, which is none while a bracket is open. */
function tagTokens(source: string, begin: number, end: "}}" | "%}") {
  const tokens: Token[] = [];
  const open: string[] = [];
  for (let at = begin;;) {
    at = matchAt(BLANKS, source, at)!.end;
    if (at >= source.length) throw syntaxError(source, begin, `a tag is not closed by ${end}`);
    if (open.length === 0) {
      const sign = source[at] === "-" || (source[at] === "+" && end === "%}") ? source[at]! : "";
      if (source.startsWith(end, at + sign.length)) {
        return { tokens, sign, end: at + sign.length + 2 };
      }
    }
    const { token, end: next } = nextToken(source, at, tokens.at(-1)?.value === ".");
    if (token.type !== "StringLiteral") {
      if (Object.hasOwn(CLOSING, token.value)) open.push(CLOSING[token.value]!);
      else if (")]}".includes(token.value) && open.pop() !== token.value) {
        throw syntaxError(source, at, `'${token.value}' closes nothing`);
      }
      if (open.length > MOST_OPEN) {
        throw syntaxError(source, at, `more than ${MOST_OPEN} brackets in one another`);
      }
    }
    tokens.push(token);
    if (token.type === LARGE_INTEGER) tokens.splice(-1, 1, ...largeInteger(token.value));
    at = next;
  }
}

function nextToken(source: string, at: number, isAfterDot: boolean): { token: Token; end: number } {
  const float = isAfterDot ? undefined : matchAt(FLOAT, source, at);
  if (float) {
    // The parser tells floats by the dot in them.
    const digits = float.text.replaceAll("_", "");
    const value = digits.includes(".") ? digits : digits.replace(/e/i, ".0e");
    return { token: { type: "NumericLiteral", value }, end: float.end };
  }
  const integer = matchAt(INTEGER, source, at);
  if (integer && integer.text.length > MOST_DIGITS) {
    throw syntaxError(source, at, `an integer of more than ${MOST_DIGITS} digits`);
  }
  if (integer) {
    const value = BigInt(integer.text.replaceAll("_", "").replace(/^0+(?=0$)/, ""));
    const isLarge = value > BigInt(Number.MAX_SAFE_INTEGER);
    const type = isLarge ? LARGE_INTEGER : "NumericLiteral";
    return { token: { type, value: value.toString() }, end: integer.end };
  }
  const name = matchAt(NAME, source, at);
  if (name) return { token: { type: "Identifier", value: name.text }, end: name.end };
  const string = matchAt(STRING, source, at);
  if (string) {
    const value = unescaped(string.text.slice(1, -1));
    return { token: { type: "StringLiteral", value }, end: string.end };
  }
  const operator = matchAt(OPERATOR, source, at);
  if (operator) {
    return { token: { type: TYPES[operator.text]!, value: operator.text }, end: operator.end };
  }
  throw syntaxError(source, at, `unexpected ${JSON.stringify(source[at])}`);
}

function largeInteger(digits: string): Token[] {
  return [
    { type: "Identifier", value: LARGE_INTEGER },
    { type: "OpenParen", value: "(" },
    { type: "StringLiteral", value: digits },
    { type: "CloseParen", value: ")" },
  ];
}

function matchAt(pattern: RegExp, source: string, at: number) {
  pattern.lastIndex = at;
  const text = pattern.exec(source)?.[0];
  return text === undefined ? undefined : { text, end: at + text.length };
}

function syntaxError(source: string, at: number, found: string): SyntaxError {
  return new SyntaxError(`line ${source.slice(0, at).split("\n").length}: ${found}`);
}
