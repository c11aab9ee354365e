/**
 * Rows in the words of a task of lm-evaluation-harness: a field's name, or Jinja over the fields.
 *
 * @module
 */
import { oneLine, PROMPTS, Template } from "../../../jinja/template.ts";
import { fromPlain } from "../../../jinja/values/value.ts";
import { fault, own, type Row } from "../../../rows/sources/row.ts";
import { ConfigError } from "../../../errors.ts";

/** What one of the fields `doc_to_...` makes of a row. */
export type Render = (row: Row) => unknown;

/**
 * Reads a field `doc_to_...`: a value as it is, or a text that is the name of a field of the row or
 * Jinja over all of them.
 *
 * @throws {ConfigError} for Jinja that cannot be read.
 */
export function renderOf(path: string, key: string, value: unknown): Render {
  if (typeof value !== "string") return () => value;
  let template: Template;
  try {
    template = new Template(value, PROMPTS);
  } catch (error) {
    throw new ConfigError(`${path}: found ${key} that cannot be read (${oneLine(error)})`);
  }
  return (row) => {
    const field = own(row.fields, value);
    if (field !== undefined) return field;
    try {
      const fields = Object.entries(row.fields);
      return template.render(
        Object.fromEntries(fields.map(([name, value]) => [name, fromPlain(value)])),
      );
    } catch (error) {
      throw fault(row, `a row that ${key} cannot render (${oneLine(error)})`, "its fields");
    }
  };
}

const STRING = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/gs;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

/** Texts of a list, of the values of an object, or of a list as Python writes it. */
export function textsOf(value: unknown): string[] | null {
  if (typeof value === "string") {
    if (!/^\s*[[({]/.test(value)) return null;
    const found = value.matchAll(STRING);
    return Array.from(
      found,
      ([, single, double]) =>
        (single ?? double!).replace(/\\(.)/gs, (_, mark: string) => ESCAPES[mark] ?? mark),
    );
  }
  if (typeof value !== "object" || value === null) return null;
  return Object.values(value).map(String);
}
