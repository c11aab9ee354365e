/**
 * Contents to documents: which template goes around a row, and what of it is learnt.
 *
 * @module
 */

import { ConfigError } from "../../errors.ts";
import { chatTemplates } from "../templates/builtin.ts";
import { asked, type Content, type Message } from "../../rows/content.ts";
import type { TrainOn } from "../entry.ts";
import {
  type ChatDocument,
  type Document,
  gradesOf,
  type Range,
  type SpansDocument,
} from "../example.ts";
import { EXEMPLAR_SEPARATOR } from "../../rows/prompts/few_shot.ts";
import { type RenderedPrompt, renderPrompt, type Template } from "../templates/prompt_template.ts";
import { MODEL_TEMPLATE, type Templates } from "../templates/setting.ts";

/** How the contents of one source become documents. */
export interface DocumentSettings {
  /** One is chosen for each document. */
  readonly templates: readonly Templates[];
  readonly trainOn: TrainOn;
  /** Whether EOS follows a text document. */
  readonly eosAfterText: boolean;
  /** Whether special tokens in the fields of rows are read as such; else they stay text. */
  readonly readsSpecial: boolean;
  /** The day that chat templates are told; today where absent. */
  readonly date?: string;
}

/**
 * The document of a content.
 *
 * @param choice decides between several templates, in [0, 1).
 * @throws {ConfigError} if the content is a chat and no template is for chats.
 */
export function toDocument(content: Content, settings: DocumentSettings, choice: number): Document {
  const { label } = content;
  const document = withoutLabel(content, settings, choice);
  return label === undefined ? document : { ...document, label };
}

function withoutLabel(content: Content, settings: DocumentSettings, choice: number): Document {
  const { origin } = content;
  switch (content.kind) {
    case "tokens":
      return { kind: "tokens", ids: content.ids, labels: content.labels, origin };
    case "text": {
      const span = { text: content.text, supervised: true, eos: settings.eosAfterText };
      return { kind: "spans", spans: [span], ...specialOf(settings), origin };
    }
    case "preference": {
      const { grades, margin } = content;
      const answers = content.answers.map((answer) => toDocument(answer, settings, choice));
      return { kind: "preference", answers, ...gradesOf({ grades, margin }), origin };
    }
    case "chat":
      return {
        ...chatDocument(
          content.messages,
          origin,
          chatTemplateOf(origin, settings, choice),
          settings,
        ),
        ...(content.tools && { tools: content.tools }),
        ...(content.exactTools !== undefined && { exactTools: content.exactTools }),
      };
    case "instruction": {
      const template = pick(settings.templates, choice);
      return instructionDocument(content, template, settings);
    }
  }
}

function instructionDocument(
  content: Content & { kind: "instruction" },
  template: Templates,
  settings: DocumentSettings,
): Document {
  const { exemplars = [], fewer: [instruction, ...rest] = [] } = content;
  const document = template.prompt === null
    ? turnsDocument(content, template.chat!, settings)
    : { ...spansDocument(content, template.prompt), ...specialOf(settings) };
  if (exemplars.length === 0 && instruction === undefined) return document;
  const shorter = exemplars.length > 0
    ? { ...content, exemplars: exemplars.slice(0, -1) }
    : { ...content, instruction: instruction!, fewer: rest };
  return { ...document, shorter: () => instructionDocument(shorter, template, settings) };
}

/** A chat that asks and answers, the exemplars first. */
function turnsDocument(
  content: Content & { kind: "instruction" },
  chat: NonNullable<Templates["chat"]>,
  settings: DocumentSettings,
): ChatDocument {
  const exchanges = [...content.exemplars ?? [], content];
  const turns = exchanges.flatMap((exchange): Message[] => [
    { role: "user", content: asked(exchange), supervised: false },
    { role: "assistant", content: exchange.answer, supervised: exchange === content },
  ]);
  return chatDocument(turns, content.origin, chat, settings);
}

function spansDocument(
  content: Content & { kind: "instruction" },
  prompt: Template,
): SpansDocument {
  const { answer, origin, exemplars = [] } = content;
  const written: Range[] = [];
  let text = "";
  const add = (rendered: RenderedPrompt, after = "") => {
    const from = text.length;
    written.push(...rendered.written.map(([a, b]): Range => [from + a, from + b]));
    text += rendered.text + after;
  };
  for (const exemplar of exemplars) {
    add(renderPrompt(prompt, exemplar), exemplar.answer + EXEMPLAR_SEPARATOR);
  }
  add(renderPrompt(prompt, content));
  return {
    kind: "spans",
    spans: [
      { text, written, supervised: false, eos: false },
      { text: answer, supervised: true, eos: true },
    ],
    origin,
  };
}

const pick = <T>(list: readonly T[], choice: number): T => list[Math.floor(choice * list.length)]!;

/** One of the templates that are for chats. */
function chatTemplateOf(origin: string, { templates }: DocumentSettings, choice: number) {
  const fitting = templates.flatMap(({ chat }) => chat === null ? [] : [chat]);
  if (fitting.length > 0) return pick(fitting, choice);
  const wanted = [...Object.keys(chatTemplates), MODEL_TEMPLATE].join(", ");
  throw new ConfigError(
    `${origin}: found a chat under a template for instructions, wanted one of ${wanted}`,
  );
}

function chatDocument(
  messages: readonly Message[],
  origin: string,
  chat: NonNullable<Templates["chat"]>,
  settings: DocumentSettings,
): ChatDocument {
  const { trainOn, date } = settings;
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  return {
    kind: "chat",
    messages: messages.map((message, i) => ({
      ...message,
      supervised: message.role === "assistant" && message.supervised &&
        (trainOn === "all" || i === last),
    })),
    template: chat === MODEL_TEMPLATE ? null : chat,
    ...specialOf(settings),
    ...(date !== undefined && { date }),
    origin,
  };
}

const specialOf = ({ readsSpecial }: DocumentSettings) => readsSpecial ? { readsSpecial } : {};
