/**
 * Contents to documents: which template goes around a row, and what of it is learnt.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import { readText } from "../io/files.ts";
import { didYouMean } from "../io/nearest.ts";
import { chatTemplates } from "./chat/builtin.ts";
import { ChatTemplate } from "./chat/template.ts";
import type { Content, Message } from "./formats/content.ts";
import type { ChatDocument, Document } from "./example.ts";
import {
  DEFAULT_TEMPLATE,
  renderPrompt,
  resolveTemplate,
  type Template,
  templates,
} from "./template.ts";

/** A template as a config gives it: a name, a prompt written out, or a file of Jinja. */
export type TemplateSetting = string | Template | { readonly file: string };

/** The name that stands for the model's own chat template. */
export const MODEL_TEMPLATE = "model";

/** The names that a template may have. */
export const templateNames: readonly string[] = [
  ...new Set([...Object.keys(templates), ...Object.keys(chatTemplates), MODEL_TEMPLATE]),
];

/** Which of an assistant's turns are learnt: all, or only the last; never one of weight 0. */
export const TRAIN_ON = ["all", "last"] as const;
/** One of those. */
export type TrainOn = typeof TRAIN_ON[number];

/** How the contents of one source become documents. */
export interface DocumentSettings {
  readonly templates: Templates;
  readonly trainOn: TrainOn;
  /** Whether EOS follows a text document. */
  readonly eosAfterText: boolean;
}

/** What to put around instructions and chats. */
export interface Templates {
  /** Null: an instruction is a chat of two turns. */
  readonly prompt: Template | null;
  /** "model" for the model's own; null where the template chosen is for instructions only. */
  readonly chat: ChatTemplate | typeof MODEL_TEMPLATE | null;
}

/**
 * The templates that a setting stands for. Without one, instructions have the default prompt, or
 * none around prompts that are `verbatim`, and chats the model's own template.
 *
 * @throws {ConfigError} if a name is unknown or a template cannot be read.
 */
export function resolveTemplates(
  setting: TemplateSetting | undefined,
  verbatim: boolean,
): Templates {
  if (setting === undefined) {
    const prompt = templates[verbatim ? "verbatim" : DEFAULT_TEMPLATE]!;
    return { prompt, chat: MODEL_TEMPLATE };
  }
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

/**
 * The document of a content.
 *
 * @throws {ConfigError} if the content is a chat and the template only for instructions.
 */
export function toDocument(content: Content, settings: DocumentSettings): Document {
  const { origin } = content;
  switch (content.kind) {
    case "tokens":
      return { kind: "tokens", ids: content.ids, labels: content.labels, origin };
    case "text": {
      const span = { text: content.text, supervised: true, eos: settings.eosAfterText };
      return { kind: "spans", spans: [span], origin };
    }
    case "chat":
      return chatDocument(content.messages, origin, settings);
    case "instruction":
      return instructionDocument(content, settings);
  }
}

function instructionDocument(
  { instruction, input, answer, origin }: Content & { kind: "instruction" },
  settings: DocumentSettings,
): Document {
  const { prompt } = settings.templates;
  if (prompt === null) {
    const asked = input === "" ? instruction : `${instruction}\n\n${input}`;
    const messages: Message[] = [
      { role: "user", content: asked, supervised: false },
      { role: "assistant", content: answer, supervised: true },
    ];
    return chatDocument(messages, origin, settings);
  }
  const text = renderPrompt(prompt, { instruction, input });
  return {
    kind: "spans",
    spans: [
      { text, supervised: false, eos: false },
      { text: answer, supervised: true, eos: true },
    ],
    origin,
  };
}

function chatDocument(
  messages: readonly Message[],
  origin: string,
  { templates: { chat }, trainOn }: DocumentSettings,
): ChatDocument {
  if (chat === null) {
    const wanted = [...Object.keys(chatTemplates), MODEL_TEMPLATE].join(", ");
    throw new ConfigError(
      `${origin}: found a chat under a template for instructions, wanted one of ${wanted}`,
    );
  }
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  return {
    kind: "chat",
    messages: messages.map((message, i) => ({
      ...message,
      supervised: message.role === "assistant" && message.supervised &&
        (trainOn === "all" || i === last),
    })),
    template: chat === MODEL_TEMPLATE ? null : chat,
    origin,
  };
}
