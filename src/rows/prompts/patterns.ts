/**
 * Patterns of prompt and target with fields in braces, as FLAN has ten for each of its tasks.
 *
 * @module
 */

import { ConfigError } from "../../errors.ts";
import { isObject, readJsonObject } from "../../io/files.ts";
import { didYouMean } from "../../io/nearest.ts";
import { describe, fault, fieldFault, own, type Row, text } from "../sources/row.ts";
import { completed, type Prompt } from "./prompt.ts";

/** Prompt and target, each with fields of the row in braces. */
export interface Pattern {
  /** What is asked. */
  readonly input: string;
  /** What is to be said. */
  readonly target: string;
}

/** Which list of a file to use. */
export interface FlanSetting {
  /** A JSON file of lists by task, such as `PATTERNS` of google-research/FLAN, flan/templates.py. */
  readonly flan: string;
  /** The task. */
  readonly task: string;
}

/**
 * A pattern as a prompt. Beside the fields of a row, a pattern may name what FLAN's own code makes of
 * them: `{options_}` and `{options_str}` list `options` as `format_options` of flan/preprocessors.py
 * does, `{answer}` is `options[label]` where the row has no answer, and `{x_newline}` puts the items
 * of the list x on lines of their own. Any other list is written with commas.
 */
export function patternPrompt({ input, target }: Pattern, name: string): Prompt {
  return { name, read: (row) => completed(row, fill(input, row), fill(target, row)) };
}

/** A pattern with the fields of a row in place. */
export function fill(pattern: string, row: Row): string {
  // One pass, so that braces inside a field stay as they are.
  return pattern.replace(/\{(\w+)\}/g, (_, field: string) => fieldText(row, field));
}

/**
 * Reads the patterns of one task.
 *
 * @throws {FileError} if the file is missing or no JSON object.
 * @throws {ConfigError} if the task is unknown, or is no list of prompt and target.
 */
export function readFlan({ flan: path, task }: FlanSetting): Prompt[] {
  const tasks = readJsonObject(path);
  if (!Object.hasOwn(tasks, task)) {
    const names = Object.keys(tasks);
    const wanted = `one of ${names.join(", ")}${didYouMean(task, names)}`;
    throw new ConfigError(`${path}: found task ${JSON.stringify(task)}, wanted ${wanted}`);
  }
  const list = tasks[task];
  if (!Array.isArray(list) || list.length === 0) {
    throw new ConfigError(`${path}: found ${describe(list)} as ${task}, wanted a list of patterns`);
  }
  return list.map((item, i) => {
    const [input, target] = Array.isArray(item)
      ? item
      : isObject(item)
      ? [item["input"], item["target"]]
      : [];
    if (typeof input === "string" && typeof target === "string") {
      return patternPrompt({ input, target }, `${task} ${i + 1}`);
    }
    throw new ConfigError(
      `${path}: found ${describe(item)} as ${task}[${i}], wanted input, target`,
    );
  });
}

function fieldText(row: Row, field: string): string {
  const value = own(row.fields, field);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return texts(row, field).join(", ");
  return value === undefined ? derivedText(row, field) : text(row, field);
}

/** What FLAN's code makes of other fields. */
function derivedText(row: Row, field: string): string {
  const isList = (name: string) => Array.isArray(own(row.fields, name));
  if (/^options_(str)?$/.test(field) && isList("options")) {
    return `OPTIONS:\n- ${texts(row, "options").join("\n- ")}`;
  }
  const list = field.replace(/_newline$/, "");
  if (list !== field && isList(list)) return texts(row, list).join("\n");
  const label = own(row.fields, "label");
  if (field !== "answer" || !isList("options") || typeof label !== "number") {
    throw fieldFault(row, field, "which a pattern names");
  }
  const answer = texts(row, "options")[label];
  if (answer !== undefined) return answer;
  throw fault(row, `label ${label}`, "the place of an option");
}

/** The items of a list, as text. */
function texts(row: Row, field: string): string[] {
  return (own(row.fields, field) as unknown[]).map((item) =>
    typeof item === "number" || typeof item === "boolean"
      ? String(item)
      : text({ fields: { [field]: item }, origin: row.origin }, field)
  );
}
