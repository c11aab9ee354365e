/**
 * Chat templates: Jinja in, the text of a chat out, as `apply_chat_template` of transformers makes it.
 *
 * @module
 */

import { ConfigError, FileError } from "../../errors.ts";
import type { Role } from "../../rows/content.ts";
import { strftimeOf } from "../../jinja/globals.ts";
import { today } from "../../jinja/strftime.ts";
import { CHATS, GENERATION_MARKS, oneLine, Template } from "../../jinja/template.ts";
import { type Piece, plainText, type Traced } from "../../jinja/values/traced.ts";
import { type Exact, fromPlain } from "../../jinja/values/value.ts";

/** Around what `{% generation %}` holds. */
export const [GENERATION_BEGIN, GENERATION_END] = GENERATION_MARKS;

/** A turn as templates see it, with the fields of Hugging Face's chats. */
export interface Turn {
  readonly role: Role;
  /** "" where there are calls alone. */
  readonly content: string;
  readonly tool_calls?: readonly {
    readonly id?: string;
    readonly type: "function";
    readonly function: { readonly name: string; readonly arguments: unknown };
  }[];
  readonly name?: string;
  readonly tool_call_id?: string;
}

/** The same with texts that may be traced. */
export type Traceable<T> = T extends string ? T | Traced
  : T extends object ? { readonly [Key in keyof T]: Traceable<T[Key]> }
  : T;

/** What a chat is, beside its turns. */
export interface RenderOptions {
  /** What may be called. */
  readonly tools?: readonly unknown[] | Exact;
  /** Whether the text ends with what opens an answer. */
  readonly generationPrompt?: boolean;
  /** The day that `strftime_now` tells, as `YYYY-MM-DD`; today where absent. */
  readonly date?: string;
}

/** What templates know beside the turns. */
export interface TemplateVariables {
  /** "" where the model has none. */
  readonly bosToken: string;
  /** "" where the model has none. */
  readonly eosToken: string;
}

/** A template that has been read. */
export class ChatTemplate {
  /** As messages name it. */
  readonly name: string;
  /** Whether it may write what opens an answer. */
  readonly opensAnswers: boolean;
  /** Whether it tells the model of tools. */
  readonly knowsTools: boolean;
  readonly #template: Template;
  readonly #source: string;

  /** @throws {ConfigError} if the source is no Jinja that can be read. */
  constructor(name: string, source: string) {
    this.name = name;
    this.#source = source;
    this.knowsTools = /\btools\b/.test(source);
    this.opensAnswers = source.includes("add_generation_prompt");
    try {
      this.#template = new Template(source, CHATS);
    } catch (error) {
      throw new ConfigError(`Chat template ${name}: cannot be read (${oneLine(error)})`);
    }
  }

  /** Whether it may read that field of a turn: it names it as one. */
  reads(field: string): boolean {
    const name = field.replace(/\W/g, "\\$&");
    return new RegExp(`(\\.\\s*|['"])${name}(?!\\w)`).test(this.#source);
  }

  /**
   * The text of a chat. What `{% generation %}` encloses is between `GENERATION_BEGIN` and
   * `GENERATION_END`.
   *
   * @throws {FileError} at `origin` if the template refuses the chat, fails, or costs too much.
   */
  render(
    turns: readonly Turn[],
    variables: TemplateVariables,
    origin: string,
    options: RenderOptions = {},
  ): string {
    return plainText(this.trace(turns, variables, origin, options));
  }

  /**
   * The text of a chat, and what of it comes from those texts of the turns that are traced. Otherwise
   * as {@link ChatTemplate.render}.
   */
  trace(
    turns: readonly Traceable<Turn>[],
    variables: TemplateVariables,
    origin: string,
    options: RenderOptions = {},
  ): Piece {
    try {
      return this.#template.trace(variablesOf(turns, variables, options));
    } catch (error) {
      const found = `a chat that template ${this.name} cannot render (${oneLine(error)})`;
      throw new FileError(`${origin}: found ${found}`);
    }
  }
}

/** By the names that transformers has for them; what a model lacks is not there. */
function variablesOf(
  messages: readonly Traceable<Turn>[],
  { bosToken, eosToken }: TemplateVariables,
  { tools, generationPrompt = false, date = today() }: RenderOptions,
) {
  return {
    messages: fromPlain(messages),
    tools: fromPlain(tools),
    documents: null,
    bos_token: bosToken,
    eos_token: eosToken,
    add_generation_prompt: generationPrompt,
    strftime_now: strftimeOf(date),
  };
}
