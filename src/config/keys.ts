/**
 * Walks the configuration by dotted keys such as `train.lr`, led by the JSON Schema of the table.
 *
 * @module
 */

import { resolve } from "node:path";
import { z } from "../deps/zod.ts";
import { isObject } from "../io/files.ts";
import { resolveData, resolvePlace } from "../io/hub/mod.ts";
import { isBuiltin } from "../eval/tasks/builtin.ts";
import { DATA, PATH, PLACE } from "./kinds.ts";
import { configSchema } from "./table.ts";

/** The part of JSON Schema that the table makes use of. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: false | SchemaNode;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
}

/** The whole table. */
export const table = z.toJSONSchema(configSchema, { io: "input" }) as SchemaNode;

/** The choices that a node leaves: its alternatives, or only itself. */
export const alternatives = (node: SchemaNode): readonly SchemaNode[] =>
  (node.anyOf ?? node.oneOf)?.flatMap(alternatives) ?? [node];

/** The node of `key` within an object or a list, or undefined if there is no such key. */
export function child(node: SchemaNode, key: string): SchemaNode | undefined {
  const found = alternatives(node).flatMap(({ properties, additionalProperties, items }) =>
    properties?.[key] ?? (additionalProperties || undefined) ??
      (/^\d+$/.test(key) ? items : undefined) ?? []
  );
  const [first] = found;
  return found.length < 2 ? first : { description: first!.description!, anyOf: found };
}

/** Every key that a value can be given to, with its node; sections come before their keys. */
export function* keysOf(node: SchemaNode, prefix = ""): Generator<[key: string, SchemaNode]> {
  const names = alternatives(node).flatMap(({ properties, items }) =>
    Object.entries(properties ?? items?.properties ?? {})
  );
  for (const [name, only] of new Map(names)) {
    const inner = child(node, name) ?? only; // of a list, of its items
    yield [prefix + name, inner];
    yield* keysOf(inner, `${prefix}${name}.`);
  }
}

/** The value at a dotted key, or undefined. */
export function valueAt(value: unknown, key: string): unknown {
  return key.split(".").reduce(
    (inner, name) => (inner as Record<string, unknown> | null | undefined)?.[name],
    value,
  );
}

/**
 * Gives `text` to a dotted key of `values`. In a list the first entry is meant where none is named:
 * `data.path` is `data.0.path`. An unknown key is taken too, for the check to find.
 *
 * @returns the key with the entries named.
 */
export function assign(values: Record<string, unknown>, key: string, text: string): string {
  const names: string[] = [];
  let node: SchemaNode | undefined = table;
  let holder: Record<string, unknown> = values;
  const rest = key.split(".");
  for (let name = rest.shift()!;; name = rest.shift()!) {
    if (Array.isArray(holder) && !/^\d+$/.test(name)) {
      rest.unshift(name);
      name = "0";
    }
    names.push(name);
    node = node && child(node, name);
    if (rest.length === 0) break;
    holder = openPart(holder, name, node);
  }
  holder[names.at(-1)!] = fromText(text, node);
  return names.join(".");
}

/** The object or list `holder[name]`, made if it is not there. */
function openPart(
  holder: Record<string, unknown>,
  name: string,
  node: SchemaNode | undefined,
): Record<string, unknown> {
  const part = holder[name];
  if (!isObject(part) && !Array.isArray(part)) holder[name] = node?.type === "array" ? [] : {};
  return holder[name] as Record<string, unknown>;
}

/**
 * A flag's text as a value of the kind that the table wants. Text that is not of that kind stays
 * as it is, for the check to refuse.
 */
export function fromText(text: string, node: SchemaNode = {}): unknown {
  if (text === "null") return null;
  const options = alternatives(node);
  const types = options.map(({ type }) => type);
  const isPath = options.some(({ format }) => format === PATH || format === DATA);
  if (options.some((option) => option.const === text || option.enum?.includes(text))) return text;
  if (types.includes("boolean") && /^(true|false)$/.test(text)) return text === "true";
  if (types.some((type) => type === "number" || type === "integer") && text.trim() !== "") {
    const number = Number(text);
    return Number.isFinite(number) ? number : text;
  }
  if (/^\s*[[{]/.test(text) && types.some((type) => type === "array" || type === "object")) {
    return parsed(text);
  }
  const list = options.find(({ type }) => type === "array");
  if (list === undefined || isPath) return text;
  // Where text is a pattern, a character that no name has tells it from a list of names.
  if (types.includes("string") && /[^\w.,-]/.test(text)) return text;
  if (list.items?.type === "integer") {
    return text.split(",").map((item) => fromText(item, list.items));
  }
  return text.split(",").map((item) => list.items?.type === "object" ? { path: item } : item);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A copy of `value` without unset keys, its relative paths taken from `folder`. */
export function prepare(value: unknown, folder: string, node: SchemaNode = {}): unknown {
  if (Array.isArray(value)) {
    const items = alternatives(node).find(({ items }) => items)?.items;
    return value.map((item) => prepare(item, folder, items));
  }
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, inner]) => inner !== null)
        .map(([key, inner]) => [key, prepare(inner, folder, child(node, key))]),
    );
  }
  if (typeof value !== "string" || value === "") return value;
  const formats = alternatives(node).map(({ format }) => format);
  if (formats.includes(PLACE)) return resolvePlace(folder, value);
  if (formats.includes(DATA)) return isBuiltin(value) ? value : resolveData(folder, value);
  return formats.includes(PATH) && !isBuiltin(value) ? resolve(folder, value) : value;
}
