/**
 * The table and resolved configurations, to be read.
 *
 * @module
 */
import { keysOf, type SchemaNode, table, valueAt } from "./keys.ts";
import type { ParsedConfig } from "./mod.ts";
import { sourceOf } from "./sources.ts";

/** The table as text: a line for each key, with its default, what it means and whose default it is. */
export function configHelp(): string {
  const rows = [...keysOf(table)]
    .filter(([, node]) => node.description !== undefined)
    .map(([key, node]) => [`--${key}`, valueText(node.default), helpOf(key, node)] as const);
  return aligned(rows).join("\n");
}

function helpOf(key: string, { description, default: byDefault }: SchemaNode): string {
  const source = byDefault === undefined ? undefined : sourceOf(key);
  return source === undefined ? description! : `${description} [${source}]`;
}

/** A resolved configuration: a line for each value, with where it came from. */
export function configLines({ config, origin }: ParsedConfig): string[] {
  return aligned(
    Object.entries(origin).map(([key, from]) => {
      const source = from === "default" ? sourceOf(key) : undefined;
      const value = valueAt(config, key);
      return [key, valueText(value), source === undefined ? from : `${from}: ${source}`] as const;
    }).filter(([, value]) => value !== ""),
  );
}

function aligned(rows: readonly (readonly [string, string, string])[]): string[] {
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length));
  const [first, second] = [width(0), width(1)];
  return rows.map(([key, value, text]) => `${key.padEnd(first)}  ${value.padEnd(second)}  ${text}`);
}

function valueText(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
