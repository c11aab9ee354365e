/**
 * What a model reads before it answers, as it read it in training.
 *
 * @module
 */

import { ConfigError, FileError } from "../../errors.ts";
import { asked, type ChatTurn, type Message } from "../../rows/content.ts";
import { MODEL_TEMPLATE, resolveTemplates, type TemplateSetting } from "../templates/setting.ts";
import type { RowTokenizer } from "../example.ts";
import type { ChatTemplate } from "../templates/chat_template.ts";
import {
  DEFAULT_TEMPLATE,
  type RenderedPrompt,
  renderPrompt,
} from "../templates/prompt_template.ts";
import { prompted, promptIds } from "./encoder_decoder.ts";
import { chatSegments, promptSegment, stretchOf } from "./segments.ts";
import { encodeStretches } from "./stretches.ts";

/** What a model is asked. */
export type ModelRequest =
  /** To go on with a text, in which special tokens are read as such. */
  | { readonly kind: "text"; readonly text: string }
  /** To answer the last turn. */
  | { readonly kind: "chat"; readonly turns: readonly ChatTurn[] }
  /** To do something, with `input` where that is not "". */
  | { readonly kind: "instruction"; readonly instruction: string; readonly input: string };

/** A request as a model reads it. */
export interface EncodedPrompt {
  readonly text: string;
  readonly ids: readonly number[];
  /** Ids that end its answer beside those of the model: what its template writes after answers. */
  readonly ends: readonly number[];
}

/** What stands around chats and instructions. */
export interface PromptSettings {
  /** By default the model's own; for instructions "alpaca" where it has none. */
  readonly template?: TemplateSetting | undefined;
  /** Said before an instruction by the system; "" for nothing. */
  readonly system?: string;
  /** What asks, for messages. */
  readonly origin?: string;
  /** The day that a chat template is told, as `YYYY-MM-DD`; today where absent. */
  readonly date?: string;
}

/**
 * Puts the template around a request and encodes it.
 *
 * @throws {ConfigError} where it needs a chat template and there is none.
 * @throws {FileError} where the template refuses the chat.
 */
export function promptOf(
  request: ModelRequest,
  tokenizer: RowTokenizer,
  { template, system = "", origin = "the prompt", date }: PromptSettings = {},
): EncodedPrompt {
  if (request.kind === "text") {
    const { text } = request;
    return textPrompt({ text, written: [[0, text.length]] }, tokenizer);
  }
  const { prompt, chat } = template === undefined && hasTemplate(tokenizer)
    ? { prompt: null, chat: MODEL_TEMPLATE } as const
    : resolveTemplates(template, DEFAULT_TEMPLATE)[0]!;
  if (request.kind === "instruction" && prompt !== null) {
    if (system === "") return textPrompt(renderPrompt(prompt, request), tokenizer);
    throw new ConfigError(`${origin}: found a system's turn, wanted a template of chats for it`);
  }
  if (chat === null) {
    throw new ConfigError(`${origin}: found a chat under a template for instructions`);
  }
  const turns = request.kind === "chat" ? request.turns : turnsOf(request, system);
  const own = chat === MODEL_TEMPLATE ? null : chat;
  return chatPrompt(turns, tokenizer, own, { origin, ...(date !== undefined && { date }) });
}

/**
 * A chat up to where its answer begins: the ids of `apply_chat_template` in transformers, with a
 * generation prompt, and BOS before them where the model expects it and the template writes none.
 *
 * @param template Null for the model's own.
 * @throws {ConfigError} {FileError} as {@link promptOf}.
 */
export function chatPrompt(
  turns: readonly ChatTurn[],
  tokenizer: RowTokenizer,
  template: ChatTemplate | null,
  { origin = "the chat", date }: Pick<PromptSettings, "origin" | "date"> = {},
): EncodedPrompt {
  const { chat } = tokenizer;
  if (chat === undefined || tokenizer.target) {
    throw new ConfigError(`${origin}: found a chat, and a model that knows nothing of chats`);
  }
  if (turns.length === 0) {
    throw new ConfigError(`${origin}: found a chat without a turn, wanted one to answer`);
  }
  const messages = turns.map((turn) => ({ ...turn, supervised: false }));
  const told = date === undefined ? {} : { date };
  const segment = promptSegment({ kind: "chat", messages, template, origin, ...told }, chat);
  const { ids } = encodeStretches([stretchOf(segment)], tokenizer, chat.specialTokens);
  return {
    text: segment.parts.map(({ text }) => text).join(""),
    ids: prompted(ids, tokenizer),
    ends: turnEnds(tokenizer, template),
  };
}

/** Whether the model has a chat template of its own. */
export const hasTemplate = ({ chat, target }: RowTokenizer): boolean =>
  !target && (chat?.template ?? null) !== null;

/**
 * The special tokens that a template writes after an answer, and so those that end one; none where it
 * writes none, or shows no chat of two turns.
 */
function turnEnds(tokenizer: RowTokenizer, template: ChatTemplate | null): number[] {
  const { chat } = tokenizer;
  if (!chat) return [];
  const messages: Message[] = [
    { role: "user", content: "a", supervised: false },
    { role: "assistant", content: "b", supervised: true },
  ];
  const document = { kind: "chat", messages, template, origin: "the template" } as const;
  try {
    const answer = chatSegments(document, chat, { needsEnd: false })
      .findLast(({ supervised }) => supervised);
    const ending = answer?.parts.filter(({ fromTemplate }) => fromTemplate)
      .map(({ text }) => text).join("") ?? "";
    const tokens = chat.specialTokens.filter((token) => ending.includes(token));
    return tokens.flatMap((token) => tokenizer.encode(token));
  } catch (fault) {
    if (fault instanceof FileError) return [];
    throw fault;
  }
}

const textPrompt = (prompt: RenderedPrompt, tokenizer: RowTokenizer): EncodedPrompt => ({
  text: prompt.text,
  ids: promptIds(prompt, tokenizer),
  ends: [],
});

function turnsOf(request: ModelRequest & { kind: "instruction" }, system: string): ChatTurn[] {
  const turn: ChatTurn = { role: "user", content: asked({ ...request, answer: "" }) };
  return system === "" ? [turn] : [{ role: "system", content: system }, turn];
}
