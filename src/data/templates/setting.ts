/**
 * Templates as a config names them.
 *
 * @module
 */

import { ConfigError } from "../../errors.ts";
import { readText } from "../../io/files.ts";
import { didYouMean } from "../../io/nearest.ts";
import { chatTemplates } from "./builtin.ts";
import { ChatTemplate } from "./chat_template.ts";
import { resolveTemplate, type Template, templates } from "./prompt_template.ts";

/** A template as a config gives it: a name, a prompt written out, or a file of Jinja. */
export type TemplateSetting = string | Template | { readonly file: string };

/** The name that stands for the model's own chat template. */
export const MODEL_TEMPLATE = "model";

/** The names that a template may have. */
export const templateNames: readonly string[] = [
  ...new Set([...Object.keys(templates), ...Object.keys(chatTemplates), MODEL_TEMPLATE]),
];

/** What to put around instructions and chats. */
export interface Templates {
  /** Null: an instruction is a chat of two turns. */
  readonly prompt: Template | null;
  /** "model" for the model's own; null where the template chosen is for instructions only. */
  readonly chat: ChatTemplate | typeof MODEL_TEMPLATE | null;
}

/**
 * The templates that a setting stands for, or each of several. Without one, instructions have the
 * template `byDefault`, and chats the model's own.
 *
 * @throws {ConfigError} if a name is unknown or a template cannot be read.
 */
export function resolveTemplates(
  setting: TemplateSetting | readonly TemplateSetting[] | undefined,
  byDefault: string,
): Templates[] {
  if (setting === undefined) return [{ prompt: templates[byDefault]!, chat: MODEL_TEMPLATE }];
  if (!Array.isArray(setting)) return [resolveOne(setting as TemplateSetting)];
  if (setting.length === 0) throw new ConfigError("Found no templates, wanted one at least");
  return setting.map(resolveOne);
}

function resolveOne(setting: TemplateSetting): Templates {
  if (typeof setting !== "string") {
    return "file" in setting
      ? { prompt: null, chat: new ChatTemplate(setting.file, readText(setting.file)) }
      : { prompt: resolveTemplate(setting), chat: null };
  }
  if (setting === MODEL_TEMPLATE) return { prompt: null, chat: MODEL_TEMPLATE };
  const prompt = Object.hasOwn(templates, setting) ? templates[setting]! : null;
  const source = Object.hasOwn(chatTemplates, setting) ? chatTemplates[setting]! : null;
  const chat = source === null ? null : new ChatTemplate(setting, source);
  if (prompt !== null || chat !== null) return { prompt, chat };
  const wanted = `one of ${templateNames.join(", ")}${didYouMean(setting, templateNames)}`;
  throw new ConfigError(`Found template ${JSON.stringify(setting)}, wanted ${wanted}`);
}
