/**
 * Says what is wrong with a configuration: one line for each fault, with the key, what was found
 * and what was wanted.
 *
 * @module
 */

import type { z } from "../deps/zod.ts";
import { nearest } from "../io/nearest.ts";
import { alternatives, child, keysOf, type SchemaNode, table, valueAt } from "./keys.ts";

type Issue = z.core.$ZodIssue;

/** A fault without its place: the dotted key and what is wrong with it. */
export interface ConfigFault {
  readonly key: string;
  readonly message: string;
}

/** The faults behind the issues that the check found in `values`, the whole table or a part of it. */
export function configFaults(
  values: unknown,
  issues: readonly Issue[],
  root: SchemaNode = table,
): ConfigFault[] {
  return issues.flatMap((issue) => describe({ values, root }, issue, []));
}

/** What was checked, and by what. */
interface Checked {
  readonly values: unknown;
  readonly root: SchemaNode;
}

function describe(checked: Checked, issue: Issue, outer: readonly PropertyKey[]): ConfigFault[] {
  const { values, root } = checked;
  const path = [...outer, ...issue.path];
  const key = path.join(".");
  if (issue.code === "custom") return [{ key, message: issue.message }];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((name) => unknownKey(checked, path, String(name)));
  }
  if (issue.code === "invalid_union") {
    const inner = issue.errors.filter(reachedInside).sort((a, b) => a.length - b.length)[0];
    if (inner) return inner.flatMap((issue) => describe(checked, issue, path));
  }
  const value = valueAt(values, key);
  const found = value === undefined ? "missing" : `found ${shorten(JSON.stringify(value))}`;
  const isTooLarge = issue.code === "too_big" && issue.maximum > Number.MAX_SAFE_INTEGER;
  const words = isTooLarge ? `at most ${issue.maximum}` : wanted(nodeAt(root, key));
  return [{ key, message: `${found}, wanted ${words}` }];
}

/** Whether an alternative of a union was the one meant, and its faults lie deeper. */
function reachedInside(issues: readonly Issue[]): boolean {
  return issues.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys");
}

function unknownKey(
  { values, root }: Checked,
  path: readonly PropertyKey[],
  name: string,
): ConfigFault {
  const key = [...path, name].join(".");
  const kindKey = [...path, "kind"].join(".");
  const kind = valueAt(values, kindKey);
  if (typeof kind === "string" && child(nodeAt(root, path.join(".")), name)) {
    return { key, message: `found one beside ${kindKey} ${kind}, wanted another kind or none` };
  }
  const near = nearestKey(key, root);
  return { key, message: `unknown key${near === undefined ? "" : `, the nearest is ${near}`}` };
}

/** The known key that `key` was most likely meant to be, as a whole or by its last name. */
export function nearestKey(key: string, root: SchemaNode = table): string | undefined {
  const plain = key.replace(/\.\d+(?=\.)/g, "");
  const known = [...keysOf(root)].map(([key]) => key);
  const [closest] = nearest(plain, known, 1);
  const [closestName] = nearest(lastName(plain), known.map(lastName), 1);
  return closest ?? known.find((other) => lastName(other) === closestName);
}

const lastName = (key: string) => key.slice(key.lastIndexOf(".") + 1);

function nodeAt(root: SchemaNode, key: string): SchemaNode {
  return key.split(".").reduce<SchemaNode>((node, name) => child(node, name) ?? {}, root);
}

/** What a node accepts, in words. */
export function wanted(node: SchemaNode): string {
  const wanted = [...new Set(alternatives(node).map(wantedOne))];
  const areNames = wanted.every((each) => !each.includes(" "));
  return areNames ? either(wanted) : wanted.join(" or ");
}

function wantedOne(node: SchemaNode): string {
  if (node.const !== undefined) return String(node.const);
  if (node.enum) return either(node.enum.map(String));
  if (node.type === "boolean") return "true or false";
  if (node.type === "integer" || node.type === "number") return `${kind(node)}${bounds(node)}`;
  if (node.type === "array") return node.minItems ? "a list that is not empty" : "a list";
  if (node.type === "object") return "an object";
  return node.format === undefined ? "a name" : `a ${node.format}`;
}

function kind({ type, multipleOf }: SchemaNode): string {
  if (multipleOf !== undefined) return `a multiple of ${multipleOf}`;
  return type === "integer" ? "a whole number" : "a number";
}

function bounds({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: SchemaNode): string {
  const limits = [];
  if (minimum !== undefined) limits.push(` of at least ${minimum}`);
  if (exclusiveMinimum !== undefined) limits.push(` above ${exclusiveMinimum}`);
  if (exclusiveMaximum !== undefined) limits.push(` below ${exclusiveMaximum}`);
  if (maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER) {
    limits.push(` of at most ${maximum}`);
  }
  return limits.join(" and");
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** As in `a, b or c`. */
function either(names: readonly string[]): string {
  return [names.slice(0, -1).join(", "), ...names.slice(-1)].filter(Boolean).join(" or ");
}
