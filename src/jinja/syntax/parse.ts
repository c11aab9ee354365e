/**
 * A template's syntax tree, by the parser of `@huggingface/jinja`. What that parser does not know is
 * first put into what it knows: `x is t(a)` is the filter `"is t"`, `{% generation %}` and `{% with %}`
 * are calls of blocks, and an expression in parentheses that compares is a call of `"%group"`, so that
 * `(a < b) < c` stays apart from `a < b < c`. No template can write these names.
 *
 * @module
 */

import { parse as parseTokens, type tokenize } from "../../deps/jinja.ts";
import { pieces, type Token, type WhiteSpace } from "./lexer.ts";
import type { Node } from "./nodes.ts";

/** The names that stand for what the parser does not know. */
export const GROUP = "%group";
export const TUPLE = "%tuple";
export const GENERATION = "%generation";
export const WITH = "%with";
export const RECURSIVE = "%recursive";
/** Before the name of a test that is written as a filter. */
export const IS = "is ";
export const IS_NOT = "is not ";

/** Words that are no operand, so that a bracket after one opens no call. */
const KEYWORDS = new Set(["and", "or", "not", "in", "is", "if", "else", "elif", "recursive"]);
/** Words that begin a statement with an expression. */
const STATEMENTS = new Set(["if", "elif", "set", "for", "with"]);
const OPENING: readonly string[] = ["OpenParen", "OpenSquareBracket", "OpenCurlyBracket"];
const CLOSING: readonly string[] = ["CloseParen", "CloseSquareBracket", "CloseCurlyBracket"];

const OPERAND_ENDS: readonly string[] = ["StringLiteral", "NumericLiteral", ...CLOSING];

const name = (value: string): Token => ({ type: "Identifier", value });
const OPEN: Token = { type: "OpenParen", value: "(" };
const CLOSE: Token = { type: "CloseParen", value: ")" };
const PIPE: Token = { type: "Pipe", value: "|" };

/**
 * Parses a template.
 *
 * @throws {SyntaxError} if it is no Jinja.
 */
export function parse(template: string, whiteSpace: WhiteSpace): readonly Node[] {
  const tokens = pieces(template, whiteSpace).flatMap((piece): Token[] => {
    if (piece.kind === "text") return [{ type: "Text", value: piece.text }];
    const inner = groups(tests(piece.tokens));
    if (piece.kind === "expression") {
      return [
        { type: "OpenExpression", value: "{{" },
        ...asTuple(inner),
        { type: "CloseExpression", value: "}}" },
      ];
    }
    return [
      { type: "OpenStatement", value: "{%" },
      ...statement(inner),
      { type: "CloseStatement", value: "%}" },
    ];
  });
  try {
    const program = parseTokens(tokens as ReturnType<typeof tokenize>);
    return (program as unknown as { readonly body: readonly Node[] }).body;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new SyntaxError("the template ends inside of a statement", { cause: error });
  }
}

/** Statements that the parser does not know, as those it knows. */
function statement(tokens: Token[]): Token[] {
  const [first, ...others] = tokens;
  switch (first?.value) {
    case "generation":
      return [name("call"), name(GENERATION), OPEN, ...others, CLOSE];
    case "with":
      return [name("call"), name(WITH), OPEN, ...others, CLOSE];
    case "endgeneration":
    case "endwith":
      return [name("endcall"), ...others];
    case "for":
      return loop(tokens);
    default:
      return tokens;
  }
}

/** What is looped over in brackets where it is a tuple, and marked where the loop is recursive. */
function loop(tokens: Token[]): Token[] {
  const isRecursive = tokens.at(-1)?.value === "recursive";
  const end = isRecursive ? tokens.length - 1 : tokens.length;
  const from = topLevel(tokens, 0, (token) => isName(token, "in")) + 1;
  const condition = topLevel(tokens, from, (token) => isName(token, "if"));
  const to = condition < 0 ? end : condition;
  const over = asTuple(tokens.slice(from, to));
  const marked = isRecursive ? [name(RECURSIVE), OPEN, ...over, CLOSE] : over;
  return [...tokens.slice(0, from), ...marked, ...tokens.slice(to, end)];
}

function asTuple(tokens: Token[]): Token[] {
  const comma = topLevel(tokens, 0, ({ type }) => type === "Comma");
  return comma < 0 ? tokens : groups([OPEN, ...tokens, CLOSE]);
}

/** `x is t`, `x is not t`, `x is t a` and `x is t(a)`, as filters. */
function tests(tokens: Token[]): Token[] {
  const found: Token[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (!isName(token, "is") || !endsOperand(tokens, at - 1)) {
      found.push(token);
      continue;
    }
    const isNegated = isName(tokens[at + 1], "not");
    if (isNegated) at++;
    const test = tokens[++at];
    if (test?.type !== "Identifier") throw new SyntaxError("found `is` without the name of a test");
    found.push(PIPE, name((isNegated ? IS_NOT : IS) + test.value));
    const next = tokens[at + 1];
    if (next === undefined || next.type === "OpenParen" || !isOperand(next)) continue;
    const end = operandEnd(tokens, at + 1);
    found.push(OPEN, ...tests(tokens.slice(at + 1, end)), CLOSE);
    at = end - 1;
  }
  return found;
}

/** Whether an operand may end at `at`; after anything else, `is` is a name like others. */
function endsOperand(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at];
  if (token?.type !== "Identifier") return token !== undefined && OPERAND_ENDS.includes(token.type);
  if (tokens[at - 1]?.type === "Dot") return true;
  return !KEYWORDS.has(token.value) && !(at === 0 && STATEMENTS.has(token.value));
}

function isOperand({ type, value }: Token): boolean {
  if (type === "Identifier") return !KEYWORDS.has(value) || value === "not";
  return ["StringLiteral", "NumericLiteral", "OpenSquareBracket", "OpenCurlyBracket"].includes(
    type,
  );
}

/** Where an operand ends, with what is read of it, subscripted and called. */
function operandEnd(tokens: readonly Token[], begin: number): number {
  let at = OPENING.includes(tokens[begin]!.type) ? closing(tokens, begin) + 1 : begin + 1;
  for (;; at++) {
    const type = tokens[at]?.type;
    if (type === "Dot") at++;
    else if (type === "OpenParen" || type === "OpenSquareBracket") at = closing(tokens, at);
    else return at;
  }
}

/** Brackets that group, as calls where the parser would lose or refuse them. */
function groups(tokens: Token[]): Token[] {
  const found: Token[] = [];
  const opened: Token[][] = [found];
  tokens.forEach((token, at) => {
    const into = opened.at(-1)!;
    if (OPENING.includes(token.type)) {
      const inside: Token[] = [];
      const callee = token.type === "OpenParen" ? groupName(tokens, at) : undefined;
      into.push(...(callee === undefined ? [] : [name(callee)]), token);
      opened.push(inside);
    } else if (CLOSING.includes(token.type)) {
      const inside = opened.pop()!;
      opened.at(-1)!.push(...inside, token);
    } else into.push(token);
  });
  return found;
}

/** The name that a group is called by; undefined for one that the parser reads as it is. */
function groupName(tokens: readonly Token[], at: number): string | undefined {
  if (isCall(tokens, at)) return undefined;
  const end = closing(tokens, at);
  const inside = tokens.slice(at + 1, end);
  if (inside.length === 0 || inside.at(-1)!.type === "Comma") return TUPLE;
  const has = (is: (token: Token) => boolean) => topLevel(inside, 0, is) >= 0;
  if (has(({ type }) => type === "Comma")) return undefined;
  return has(isComparison) ? GROUP : undefined;
}

/** Whether the bracket at `at` holds the arguments of what is before it. */
const isCall = (tokens: readonly Token[], at: number): boolean => endsOperand(tokens, at - 1);

const isComparison = (token: Token): boolean =>
  token.type === "ComparisonBinaryOperator" || isName(token, "in");

const isName = (token: Token | undefined, value: string): boolean =>
  token?.type === "Identifier" && token.value === value;

/** The first token from `from` on, outside of brackets, for which `is` holds; -1 for none. */
function topLevel(
  tokens: readonly Token[],
  from: number,
  is: (token: Token) => boolean,
): number {
  for (let at = from; at < tokens.length; at++) {
    if (is(tokens[at]!)) return at;
    if (OPENING.includes(tokens[at]!.type)) at = closing(tokens, at);
  }
  return -1;
}

/** Where the bracket at `at` is closed. */
function closing(tokens: readonly Token[], at: number): number {
  let depth = 0;
  for (let i = at; i < tokens.length; i++) {
    if (OPENING.includes(tokens[i]!.type)) depth++;
    if (CLOSING.includes(tokens[i]!.type) && --depth === 0) return i;
  }
  return tokens.length;
}
