/**
 * Templates of PromptSource (bigscience-workshop/promptsource), the source of P3: Jinja in YAML that
 * makes prompt and target of a row. As `promptsource/templates.py` applies them.
 *
 * @module
 */

import { type CollectionTag, parseDocument, type YAMLMap } from "../../deps/yaml.ts";
import { ConfigError, FileError } from "../../errors.ts";
import { isObject, readText } from "../../io/files.ts";
import { didYouMean } from "../../io/nearest.ts";
import type { RowRng } from "../row_rng.ts";
import { fault, own, type Row } from "../sources/row.ts";
import type { Filter } from "../../jinja/environment.ts";
import { oneLine, PROMPTS, Template } from "../../jinja/template.ts";
import { listOf } from "../../jinja/values/compare.ts";
import { str } from "../../jinja/values/text.ts";
import { fromPlain, type Value } from "../../jinja/values/value.ts";
import { completed, type Prompt } from "./prompt.ts";

/** What a template says of itself; null where it says nothing. */
export interface PromptMetadata {
  /** Whether it asks for what the dataset was made for. */
  readonly originalTask: boolean | null;
  /** Whether the prompt shows the choices. */
  readonly choicesInPrompt: boolean | null;
  readonly metrics: readonly string[];
  readonly languages: readonly string[];
}

/** What divides prompt, target and further targets. */
const SEPARATOR = "|||";
/** Stands for the separator where a field of the row has it. */
const PROTECTOR = "3ed2dface8203c4c9dfb1a5dc58e41e0";
/** `TEXT_VAR_LENGTH`: what `{{ }}` writes is cut to so many characters. */
const MOST_CHARACTERS = 2048;

/** The choice among `n`, as a number below it. */
export type Choose = (n: number) => number;

/** What a template makes of a row. */
export interface Applied {
  readonly prompt: string;
  /** At least one. */
  readonly targets: readonly string[];
  /** Null where the template has none. */
  readonly choices: readonly string[] | null;
}

/** One template of a file. */
export class PromptSourceTemplate implements Prompt {
  readonly name: string;
  readonly metadata: PromptMetadata;
  readonly #body: Template;
  readonly #choices: Template | null;
  /** Decides for the filter `choice`, of the row that is rendered. */
  #choose: Choose = () => 0;

  /** @throws {ConfigError} at `origin` if it lacks a part or its Jinja cannot be read. */
  constructor(fields: Readonly<Record<string, unknown>>, origin: string) {
    const { name, jinja, answer_choices: choices, metadata } = fields;
    if (typeof name !== "string" || typeof jinja !== "string") {
      throw new ConfigError(`${origin}: found a template without name or jinja, wanted both`);
    }
    this.name = name;
    this.metadata = metadataOf(isObject(metadata) ? metadata : {});
    const choice: Filter = (value) => chosen(value, this.#choose);
    const filters = { ...PROMPTS.filters, choice, most_frequent: mostFrequent };
    const environment = { ...PROMPTS, filters };
    try {
      const cut = jinja.replaceAll("}}", ` | string | truncate(${MOST_CHARACTERS}) }}`);
      this.#body = new Template(cut, environment);
      this.#choices = typeof choices === "string" ? new Template(choices, environment) : null;
    } catch (error) {
      const found = `template ${JSON.stringify(name)} that cannot be read (${oneLine(error)})`;
      throw new ConfigError(`${origin}: found ${found}`);
    }
  }

  /**
   * The prompt and the targets of a row, and what `answer_choices` makes of it, each trimmed; null
   * where the template writes nothing.
   *
   * @throws {FileError} if it fails, or writes a prompt without a target.
   */
  apply(row: Row, choose: Choose): Applied | null {
    const { parts: [prompt, ...targets], choices } = this.#parts(row, choose);
    if (targets.length > 0) return { prompt: prompt!, targets, choices };
    if (prompt === "") return null;
    const found = `that template ${JSON.stringify(this.name)} writes no ${SEPARATOR}`;
    throw fault(row, found, "a prompt and a target divided by it");
  }

  /** The first target is learnt. A template that leaves one blank says nothing of the row. */
  read(row: Row, rng: RowRng) {
    const applied = this.apply(row, (n) => rng.below(n));
    if (applied === null) return null;
    const { prompt, targets, choices } = applied;
    return completed(row, prompt, targets[0]!, {
      ...(targets.length > 1 && { references: targets }),
      ...(choices && { choices }),
    });
  }

  #parts(row: Row, choose: Choose) {
    if (own(row.fields, "answer_choices") !== undefined) {
      throw fault(row, "the field answer_choices", "another name: templates have their own");
    }
    const fields = Object.fromEntries(
      Object.entries(row.fields).map(([key, value]) => [
        key,
        fromPlain(typeof value === "string" ? value.replaceAll(SEPARATOR, PROTECTOR) : value),
      ]),
    );
    this.#choose = choose;
    const parts = (template: Template, variables: Readonly<Record<string, Value>>) =>
      template.render(variables).split(SEPARATOR)
        .map((part) => part.replaceAll(PROTECTOR, SEPARATOR).trim());
    try {
      const choices = this.#choices && parts(this.#choices, fields);
      return { parts: parts(this.#body, { ...fields, answer_choices: choices }), choices };
    } catch (error) {
      const found = `a row that template ${JSON.stringify(this.name)} cannot render`;
      throw new FileError(`${row.origin}: found ${found} (${oneLine(error)})`);
    }
  }
}

/** Which templates of a file to use. */
export interface PromptSourceSetting {
  /** The YAML file. */
  readonly promptsource: string;
  /** Only templates of these names; all where absent. */
  readonly names?: readonly string[];
  /** Only templates that do, or do not, ask for what the dataset was made for. */
  readonly original_task?: boolean;
}

/**
 * Reads a file of templates.
 *
 * @throws {FileError} if it is missing or no YAML of that kind.
 * @throws {ConfigError} if a name is unknown, a template cannot be read, or none is left.
 */
export function readPromptSource(setting: PromptSourceSetting): PromptSourceTemplate[] {
  const { promptsource: path, names, original_task: original } = setting;
  const all = templatesIn(path);
  const known = all.map(({ name }) => name).filter((name) => typeof name === "string");
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const wanted = `one of ${known.join(", ")}${didYouMean(unknown, known)}`;
    throw new ConfigError(`${path}: found template ${JSON.stringify(unknown)}, wanted ${wanted}`);
  }
  const chosen = all.filter(({ name }) => names?.includes(name as string) ?? true)
    .map((fields) => new PromptSourceTemplate(fields, path))
    .filter(({ metadata }) => original === undefined || metadata.originalTask === original);
  if (chosen.length > 0) return chosen;
  const wanted = `one of original_task ${original}`;
  throw new ConfigError(`${path}: found ${all.length} templates, wanted ${wanted} among them`);
}

function templatesIn(path: string): Record<string, unknown>[] {
  // YAML 1.1, as the files were written by PyYAML.
  const document = parseDocument(readText(path), { version: "1.1", customTags: TAGS });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? 1;
    const reason = error.message.split("\n")[0]!.replace(/ at line \d+, column \d+:$/, "");
    throw new FileError(`${path}:${line}: found malformed YAML (${reason})`);
  }
  const file: unknown = document.toJS();
  const templates = isObject(file) ? file["templates"] : undefined;
  if (isObject(templates)) return Object.values(templates).filter(isObject);
  throw new FileError(`${path}: found no templates, wanted a file of PromptSource`);
}

const TAGS = ["!Template", "!TemplateMetadata"].map((tag): CollectionTag => ({
  tag,
  collection: "map",
  resolve: (map) => map as YAMLMap,
}));

function metadataOf(metadata: Record<string, unknown>): PromptMetadata {
  const flag = (key: string) => typeof metadata[key] === "boolean" ? metadata[key] : null;
  const list = (key: string) => {
    const value = metadata[key];
    return Array.isArray(value) ? value.map(String) : [];
  };
  return {
    originalTask: flag("original_task"),
    choicesInPrompt: flag("choices_in_prompt"),
    metrics: list("metrics"),
    languages: list("languages"),
  };
}

function chosen(value: Value, choose: Choose): Value {
  const items = listOf(value);
  if (items.length > 0) return items[choose(items.length)]!;
  throw new RangeError("found nothing to choose from");
}

/** All items that are there most often, in the order in which they come first. */
function mostFrequent(value: Value): Value {
  const counts = new Map<string, number>();
  for (const item of listOf(value)) counts.set(str(item), (counts.get(str(item)) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const first = listOf(value).filter((item) => {
    const isMost = counts.get(str(item)) === most;
    counts.delete(str(item));
    return isMost;
  });
  return first.length === 0 ? null : first;
}
