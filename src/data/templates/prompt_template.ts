/**
 * Prompt templates for instruction rows. The answer follows the prompt directly and ends with EOS;
 * prompt and answer are encoded apart, in training as in generation.
 *
 * @module
 */

import { ConfigError } from "../../errors.ts";
import type { Range } from "../example.ts";

/** The text before an answer, for a row without and with an input. */
export interface Template {
  /** With the field {instruction}. */
  readonly prompt: string;
  /** With the fields {instruction} and {input}. */
  readonly promptInput: string;
}

/** The fields of an instruction row that a prompt may name. */
export interface PromptFields {
  /** What is asked. */
  readonly instruction: string;
  /** What it is asked of, "" where there is nothing. */
  readonly input: string;
}

/**
 * The templates by name. `alpaca` is `PROMPT_DICT` of train.py in tatsu-lab/stanford_alpaca: the
 * prompt ends with "### Response:", no newline, and the target is appended to it. `plain` is for
 * small models, whose context an Alpaca preamble would fill; `verbatim` for prompts that are complete.
 */
export const templates: Readonly<Record<string, Template>> = {
  alpaca: {
    prompt: "Below is an instruction that describes a task. " +
      "Write a response that appropriately completes the request.\n\n" +
      "### Instruction:\n{instruction}\n\n### Response:",
    promptInput: "Below is an instruction that describes a task, " +
      "paired with an input that provides further context. " +
      "Write a response that appropriately completes the request.\n\n" +
      "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:",
  },
  plain: {
    prompt: "{instruction}\n",
    promptInput: "{instruction}\n{input}\n",
  },
  verbatim: { prompt: "{instruction}", promptInput: "{instruction}{input}" },
};

/** The template of instruction rows where none is named. */
export const DEFAULT_TEMPLATE = "alpaca";

/**
 * A template by name, or one written out in a config.
 *
 * @throws {ConfigError} if the name is unknown or a prompt lacks a field or names an unknown one.
 */
export function resolveTemplate(template: string | Template): Template {
  if (typeof template !== "string") {
    checkFields("prompt", template.prompt, ["instruction"]);
    checkFields("promptInput", template.promptInput, ["instruction", "input"]);
    return template;
  }
  if (!Object.hasOwn(templates, template)) {
    const names = Object.keys(templates).join(", ");
    throw new ConfigError(`Found template ${JSON.stringify(template)}, wanted one of ${names}`);
  }
  return templates[template]!;
}

/** A prompt, and where in it the template's own words stand. */
export interface RenderedPrompt {
  readonly text: string;
  readonly written: readonly Range[];
}

/** The prompt of one row: `promptInput` where the row has an input, else `prompt`. */
export function renderPrompt(template: Template, fields: PromptFields): RenderedPrompt {
  const prompt = fields.input === "" ? template.prompt : template.promptInput;
  const written: Range[] = [];
  let text = "";
  // One pass, so that braces inside a field stay as they are; every second part names a field.
  for (const [i, part] of prompt.split(/\{(instruction|input)\}/).entries()) {
    const isField = i % 2 === 1;
    if (!isField && part !== "") written.push([text.length, text.length + part.length]);
    text += isField ? fields[part as keyof PromptFields] : part;
  }
  return { text, written };
}

function checkFields(key: string, prompt: string, wanted: string[]): void {
  const found = Array.from(prompt.matchAll(/\{(\w+)\}/g), (match) => match[1]!);
  const unknown = found.find((name) => !wanted.includes(name));
  const missing = wanted.find((name) => !found.includes(name));
  if (unknown === undefined && missing === undefined) return;
  const fault = unknown === undefined ? `no {${missing}}` : `the field {${unknown}}`;
  const fields = wanted.map((name) => `{${name}}`).join(" and ");
  throw new ConfigError(`template.${key}: found ${fault}, wanted ${fields}; the answer follows`);
}
