/**
 * Jinja as Python renders it: what `{{ }}` writes is Python's `str()`, white space is kept, and
 * filters that the library lacks can be given.
 *
 * @module
 */

import { Environment, parse, tokenize } from "../../deps/jinja.ts";
import { BoundedInterpreter, type Program, renderProgram } from "../templates/jinja.ts";

/** A value as the interpreter has it. */
export type Value = ReturnType<BoundedInterpreter["evaluate"]>;

/** A filter: the piped value, then its arguments. */
export type Filter = (value: Value, ...args: Value[]) => Value;

/** What of a syntax tree is looked at here. */
interface Node {
  readonly type: string;
  readonly [part: string]: unknown;
}

/** What writes nothing, or what its body writes; plain text is as it should be. */
const NO_OUTPUT: readonly string[] = [
  ...["Set", "If", "For", "Macro", "CallStatement", "FilterStatement"],
  ...["Break", "Continue", "Comment", "StringLiteral"],
];
/** The parts of a statement that hold statements. */
const BODIES: readonly string[] = ["body", "alternate", "defaultBlock"];

/** A template that has been parsed. */
export class PythonTemplate {
  readonly #program: Program;
  readonly #outputs: ReadonlySet<Node>;

  /** @throws {SyntaxError} if the source is no Jinja that can be read. */
  constructor(source: string) {
    this.#program = parse(tokenize(source));
    this.#outputs = new Set(outputsOf(this.#program as unknown as Node));
  }

  /** The text of the template; throws what the template or a filter throws. */
  render(
    variables: Readonly<Record<string, unknown>>,
    filters: Readonly<Record<string, Filter>>,
  ): string {
    const all = { ...FILTERS, ...filters };
    const interpreterOf = (environment: Environment) =>
      new PythonInterpreter(environment, this.#outputs, all);
    return renderProgram(this.#program, { zip, ...variables }, interpreterOf);
  }
}

class PythonInterpreter extends BoundedInterpreter {
  readonly #outputs: ReadonlySet<Node>;
  readonly #filters: Readonly<Record<string, Filter>>;

  constructor(
    environment: Environment,
    outputs: ReadonlySet<Node>,
    filters: Readonly<Record<string, Filter>>,
  ) {
    super(environment);
    this.#outputs = outputs;
    this.#filters = filters;
  }

  override evaluate(...[statement, environment]: Parameters<BoundedInterpreter["evaluate"]>) {
    if (statement === undefined) return super.evaluate(statement, environment); // `[:4]` has no start
    const node = statement as unknown as Node;
    const piped = node.type === "FilterExpression" ? this.#piped(node, environment) : undefined;
    const value = piped ?? super.evaluate(statement, environment);
    return this.#outputs.has(node) ? toValue(str(value)) : value;
  }

  /** What one of our own filters makes of its operand; undefined for a filter of the library. */
  #piped({ operand, filter }: Node, environment: Environment): Value | undefined {
    const { value, callee, args = [] } = filter as { value: string; callee?: Node; args?: Node[] };
    const name = (callee?.["value"] ?? value) as string;
    if (!Object.hasOwn(this.#filters, name)) return undefined;
    const values = [operand, ...args].map((argument) =>
      this.evaluate(argument as Parameters<typeof this.evaluate>[0], environment)
    );
    return this.#filters[name]!(values[0]!, ...values.slice(1));
  }
}

/** A plain value as the interpreter has it. */
export function toValue(value: unknown): Value {
  return new Environment().set("value", value);
}

/**
 * The items of a list, or the characters of a string.
 *
 * @throws {TypeError} for anything else.
 */
export function itemsOf(value: Value): Value[] {
  if (Array.isArray(value.value)) return value.value as Value[];
  if (value.type === "StringValue") return Array.from(value.value as string, toValue);
  throw new TypeError(`found ${value.type}, wanted a list`);
}

/** A value as Python's `str()` writes it. */
export function str(value: Value): string {
  return value.type === "StringValue" ? value.value as string : repr(value);
}

function repr(value: Value): string {
  switch (value.type) {
    case "StringValue":
      return quoted(value.value as string);
    case "NullValue":
      return "None";
    case "UndefinedValue":
      return "";
    case "BooleanValue":
      return value.value ? "True" : "False";
    case "ArrayValue":
      return `[${(value.value as Value[]).map(repr).join(", ")}]`;
    case "TupleValue": {
      const items = (value.value as Value[]).map(repr);
      return `(${items.join(", ")}${items.length === 1 ? "," : ""})`;
    }
    case "ObjectValue": {
      const entries = [...value.value as Map<string, Value>];
      return `{${entries.map(([key, inner]) => `${quoted(key)}: ${repr(inner)}`).join(", ")}}`;
    }
    default:
      return value.toString();
  }
}

/** Python's repr of a string: single quotes, unless only they are in it. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const names: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };
  const escaped = text.replace(/[\n\r\t\\]/g, (mark) => names[mark]!).replaceAll(
    quote,
    `\\${quote}`,
  );
  return quote + escaped + quote;
}

function join(value: Value, separator: Value = toValue("")): Value {
  return toValue(itemsOf(value).map(str).join(str(separator)));
}

/** Jinja's filter with its defaults: whole words, three dots, five characters over are let pass. */
function truncate(value: Value, length: Value = toValue(255)): Value {
  const characters = [...str(value)];
  const most = length.value as number;
  if (characters.length <= most + 5) return value;
  const head = characters.slice(0, most - 3).join("");
  const lastSpace = head.lastIndexOf(" ");
  return toValue(`${lastSpace < 0 ? head : head.slice(0, lastSpace)}...`);
}

/** Those of which the library's differ from Jinja's, or that it lacks. */
const FILTERS: Readonly<Record<string, Filter>> = {
  string: (value) => toValue(str(value)),
  capitalize: (value) => toValue(capitalized(str(value))),
  title: (value) => toValue(str(value).split(/([-\s({[<]+)/).map(capitalized).join("")),
  join,
  truncate,
};

function capitalized(text: string): string {
  const [first = "", ...others] = text;
  return first.toUpperCase() + others.join("").toLowerCase();
}

/** Python's `zip`. */
function zip(...lists: Value[][]): unknown[][] {
  const length = Math.min(...lists.map((list) => list.length));
  return Array.from({ length }, (_, i) => lists.map((list) => plain(list[i]!)));
}

/** A value as it was before `toValue`. */
function plain({ value }: Value): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries(Array.from(value, ([key, inner]) => [key, plain(inner)]));
}

/** The expressions that write into the text, in all bodies. */
function outputsOf(node: Node): Node[] {
  const inner = BODIES.map((part) => node[part]).filter(Array.isArray) as Node[][];
  return inner.flat().flatMap((statement) => [
    ...(NO_OUTPUT.includes(statement.type) ? [] : [statement]),
    ...outputsOf(statement),
  ]);
}
