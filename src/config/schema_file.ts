/**
 * `configs/schema.json`, by which editors complete and check a config: the table as JSON Schema.
 * Written by `deno task schema`.
 *
 * @module
 */
import { writeText } from "../io/files.ts";
import { keysOf, table } from "./keys.ts";
import { sourceOf } from "./sources.ts";

/** Where it lies. */
export const SCHEMA_FILE: URL = new URL("../../configs/schema.json", import.meta.url);

/**
 * Its text. What a file lacks may come from a flag, so no key is required at the top; a description
 * says whose default it is.
 */
export function schemaText(): string {
  const schema = structuredClone(table) as unknown as {
    required?: unknown;
    properties: Record<string, object>;
  };
  delete schema.required;
  for (const [key, node] of keysOf(schema as typeof table)) {
    const source = node.default === undefined ? undefined : sourceOf(key);
    if (source === undefined || node.description === undefined) continue;
    Object.assign(node, { description: `${node.description} [${source}]` });
  }
  const notes = { $schema: { type: "string" }, $origin: { type: "object" } };
  schema.properties = { ...notes, ...schema.properties };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (import.meta.main) writeText(SCHEMA_FILE.pathname, schemaText());
