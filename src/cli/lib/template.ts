/**
 * `--template` of commands that hold chats or write of them.
 *
 * @module
 */
import { ChatTemplate, resolveTemplates } from "../../data/mod.ts";
import { ConfigError } from "../../errors.ts";

/**
 * The template of that name or file; null for the model's own.
 *
 * @throws {ConfigError} where it is none for chats.
 */
export function chatTemplateOf(name: string | undefined): ChatTemplate | null {
  if (name === undefined) return null;
  const setting = name.endsWith(".jinja") ? { file: name } : name;
  const { chat } = resolveTemplates(setting, "")[0]!;
  if (chat === null) throw new ConfigError(`Found template ${name}, wanted one of chats`);
  return chat instanceof ChatTemplate ? chat : null;
}
