/**
 * What a checkpoint folder says about chats.
 *
 * @module
 */

import { join } from "node:path";
import { FileError } from "../../errors.ts";
import { isObject } from "../../io/files.ts";
import { modelJson, modelText } from "../../io/model_files.ts";
import type { ChatFacts } from "../example.ts";
import { ChatTemplate } from "./chat_template.ts";

/**
 * Reads the chat template (`chat_template.jinja`, else `chat_template` of `tokenizer_config.json`: a
 * text, or a list of which the one named `default` is taken) and the special tokens.
 *
 * @throws {FileError} if a file is damaged.
 * @throws {ConfigError} if the template cannot be read.
 */
export function readChatFacts(folder: string): ChatFacts {
  const config = readOptional(folder, "tokenizer_config.json");
  const map = readOptional(folder, "special_tokens_map.json");
  const textOf = (key: string) => tokenText(config[key] ?? map[key]);
  const source = chatTemplateSource(folder);
  return {
    template: source === null ? null : new ChatTemplate("of the model", source),
    bosToken: textOf("bos_token"),
    eosToken: textOf("eos_token"),
    specialTokens: specialTokens(readOptional(folder, "tokenizer.json")),
  };
}

/**
 * The text of a folder's chat template, or null where it has none.
 *
 * @throws {FileError} if a file is damaged.
 */
export function chatTemplateSource(folder: string): string | null {
  const { chat_template: template } = readOptional(folder, "tokenizer_config.json");
  const own = modelText(folder, "chat_template.jinja");
  if (own !== undefined) return own;
  if (template === undefined || template === null) return null;
  if (typeof template === "string") return template;
  const named = Array.isArray(template) ? template.filter(isObject) : [];
  const chosen = named.find(({ name }) => name === "default")?.["template"];
  if (typeof chosen === "string") return chosen;
  throw new FileError(
    `Cannot use the chat_template in ${join(folder, "tokenizer_config.json")}: ` +
      "found neither a text nor a list with one named default",
  );
}

function specialTokens({ added_tokens: added }: Record<string, unknown>): string[] {
  return (Array.isArray(added) ? added : []).filter(isObject)
    .filter(({ special, content }) => special === true && typeof content === "string")
    .map(({ content }) => content as string).filter((content) => content !== "");
}

/** A special token is written as its text, or as an object that has the text as `content`. */
function tokenText(token: unknown): string {
  const text = isObject(token) ? token["content"] : token;
  return typeof text === "string" ? text : "";
}

function readOptional(folder: string, name: string): Record<string, unknown> {
  return modelJson(folder, name) ?? {};
}
