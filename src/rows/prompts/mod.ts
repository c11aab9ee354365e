/**
 * Ways to put a row into words, of which one is sampled for each row.
 *
 * @module
 */

import { ConfigError } from "../../errors.ts";
import type { RowRng } from "../row_rng.ts";
import { readJsonObject } from "../../io/files.ts";
import { type Content, instructionContent } from "../content.ts";
import { type Row, text } from "../sources/row.ts";
import { type FlanSetting, type Pattern, patternPrompt, readFlan } from "./patterns.ts";
import type { Prompt } from "./prompt.ts";
import {
  type PromptSourceSetting,
  PromptSourceTemplate,
  readPromptSource,
} from "./promptsource.ts";

export type { FlanSetting, Pattern, Prompt, PromptSourceSetting };

/** Jinja that writes prompt and target, divided by `|||`, as PromptSource has it. */
export interface JinjaSetting {
  /** The source. */
  readonly jinja: string;
}

/** One instruction in several words, for rows that have only an input and an output. */
export interface ParaphraseSetting {
  /**
   * A JSON file with a list `annotations`, as in data/annotations of orhonovich/instruction-induction.
   */
  readonly instructions: string;
}

/** Prompts as a config gives them: a file of them, or a list written out. */
export type PromptSetting =
  | PromptSourceSetting
  | FlanSetting
  | ParaphraseSetting
  | readonly (Pattern | JinjaSetting)[];

/** The prompts of a source, and the template that is put around them by default. */
export interface Prompts {
  readonly list: readonly Prompt[];
  readonly template: string;
}

/**
 * Reads the prompts that a setting stands for.
 *
 * @throws {FileError} if a file is missing or damaged.
 * @throws {ConfigError} if it has no such prompts, or one cannot be read.
 */
export function readPrompts(setting: PromptSetting): Prompts {
  if ("instructions" in setting) return { list: readParaphrases(setting), template: "alpaca" };
  // They are trimmed or have no end of their own, so something must stand before the answer.
  return { list: completePrompts(setting), template: "plain" };
}

function completePrompts(setting: Exclude<PromptSetting, ParaphraseSetting>): Prompt[] {
  if ("promptsource" in setting) return readPromptSource(setting);
  if ("flan" in setting) return readFlan(setting);
  if (setting.length === 0) throw new ConfigError("Found no prompts, wanted one at least");
  return setting.map((prompt, i) => {
    const name = `prompts[${i}]`;
    if ("input" in prompt) return patternPrompt(prompt, name);
    return new PromptSourceTemplate({ name, jinja: prompt.jinja }, "data.prompts");
  });
}

/** A row in the words of the first prompt, in an order sampled for it, that has something to say. */
export function inWords(
  row: Row,
  prompts: readonly Prompt[],
  rng: RowRng,
): { content: Content; prompt: Prompt } | null {
  for (const i of rng.shuffled(prompts.length)) {
    const prompt = prompts[i]!;
    const content = prompt.read(row, rng);
    if (content !== null) return { content, prompt };
  }
  return null;
}

/**
 * Reads the instructions of a file, each a prompt over `input` and `output`.
 *
 * @throws {FileError} if the file is missing or no JSON object.
 * @throws {ConfigError} if it has no list of instructions.
 */
function readParaphrases({ instructions: path }: ParaphraseSetting): Prompt[] {
  const { annotations } = readJsonObject(path);
  const list = Array.isArray(annotations) ? annotations : [];
  if (list.length === 0 || !list.every((item) => typeof item === "string" && item.trim() !== "")) {
    throw new ConfigError(`${path}: found no list of instructions, wanted annotations: [...]`);
  }
  return list.map((instruction: string) => ({
    name: instruction,
    read: (row) =>
      instructionContent(row.origin, {
        instruction,
        input: text(row, "input"),
        answer: text(row, "output"),
        field: "output",
      }),
  }));
}
