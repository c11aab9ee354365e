/**
 * What a checkpoint folder says about chats.
 *
 * @module
 */

import { join } from "node:path";
import { FileError } from "../../errors.ts";
import { isObject } from "../../io/files.ts";
import {
  additionalTemplate,
  additionalTemplates,
  modelJson,
  modelText,
} from "../../io/model_files.ts";
import { specialTokens } from "../../io/tokenizer/tokenizer.ts";
import type { ChatFacts } from "../example.ts";
import { ChatTemplate } from "./chat_template.ts";

/** The names that transformers chooses by: the second where a chat has tools and there is one. */
const [DEFAULT, TOOL_USE] = ["default", "tool_use"] as const;

/**
 * Reads the chat templates and the special tokens. Of templates with names, as transformers does, the
 * one named `tool_use` is for chats with tools, and `default` for all others.
 *
 * @throws {FileError} if a file is damaged.
 * @throws {ConfigError} if a template cannot be read.
 */
export function readChatFacts(folder: string): ChatFacts {
  const config = readOptional(folder, "tokenizer_config.json");
  const map = readOptional(folder, "special_tokens_map.json");
  const textOf = (key: string) => tokenText(config[key] ?? map[key]);
  const sources = chatTemplateSources(folder);
  const [own, tools] = [sources.get(DEFAULT), sources.get(TOOL_USE)];
  return {
    template: own === undefined ? null : new ChatTemplate("of the model", own),
    toolTemplate: tools === undefined ? null : new ChatTemplate("tool_use of the model", tools),
    bosToken: textOf("bos_token"),
    eosToken: textOf("eos_token"),
    specialTokens: specialTokens(readOptional(folder, "tokenizer.json")),
  };
}

/**
 * The texts of a folder's chat templates by name: of `chat_template.jinja` and the files in
 * `additional_chat_templates`, where there are any, else of `chat_template` in
 * `tokenizer_config.json`: one text, or a list of them with their names.
 *
 * @throws {FileError} if a file is damaged, or none of them is for a chat.
 */
export function chatTemplateSources(folder: string): Map<string, string> {
  const own = modelText(folder, "chat_template.jinja");
  const files = new Map<string, string>(own === undefined ? [] : [[DEFAULT, own]]);
  for (const path of additionalTemplates(folder)) {
    files.set(additionalTemplate(path)!, modelText(folder, path)!);
  }
  if (files.size > 0) return files;
  const { chat_template: template } = readOptional(folder, "tokenizer_config.json");
  if (template === undefined || template === null) return files;
  if (typeof template === "string") return new Map([[DEFAULT, template]]);
  const named = new Map(
    (Array.isArray(template) ? template : []).filter(isObject)
      .filter(({ name, template }) => typeof name === "string" && typeof template === "string")
      .map(({ name, template }) => [name as string, template as string]),
  );
  if (named.has(DEFAULT) || named.has(TOOL_USE)) return named;
  throw new FileError(
    `Cannot use the chat_template in ${join(folder, "tokenizer_config.json")}: ` +
      `found neither a text nor a list with one named ${DEFAULT} or ${TOOL_USE}`,
  );
}

/** The model's own template for a chat with these tools, or without any. */
export function ownTemplate(
  { template, toolTemplate = null }: ChatFacts,
  tools: readonly unknown[] | undefined,
): ChatTemplate | null {
  return tools ? toolTemplate ?? template : template;
}

/** A special token is written as its text, or as an object that has the text as `content`. */
function tokenText(token: unknown): string {
  const text = isObject(token) ? token["content"] : token;
  return typeof text === "string" ? text : "";
}

function readOptional(folder: string, name: string): Record<string, unknown> {
  return modelJson(folder, name) ?? {};
}
