/**
 * Chat templates: Jinja in, the text of a chat out, within bounds.
 *
 * @module
 */

import { parse, tokenize } from "../../deps/jinja.ts";
import { ConfigError, FileError } from "../../errors.ts";
import type { Role } from "../content.ts";
import { oneLine, type Program, renderProgram } from "./jinja.ts";

/** Around what `{% generation %}` holds. Noncharacters: no text may have them. */
export const GENERATION_BEGIN = "\ufdd2";
export const GENERATION_END = "\ufdd3";

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

/** What a chat is, beside its turns. */
export interface RenderOptions {
  /** What may be called. */
  readonly tools?: readonly unknown[];
  /** Whether the text ends with what opens an answer. */
  readonly generationPrompt?: boolean;
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
  /** Whether it tells the model of tools. */
  readonly knowsTools: boolean;
  readonly #program: Program;
  readonly #source: string;

  /** @throws {ConfigError} if the source is no Jinja that can be read. */
  constructor(name: string, source: string) {
    this.name = name;
    this.#source = source;
    this.knowsTools = /\btools\b/.test(source);
    try {
      this.#program = parse(
        tokenize(withGenerationMarks(source), { lstrip_blocks: true, trim_blocks: true }),
      );
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
   * @throws {FileError} at `origin` if the template refuses the chat, fails, or does not come to an
   * end within bounds.
   */
  render(
    turns: readonly Turn[],
    variables: TemplateVariables,
    origin: string,
    options: RenderOptions = {},
  ): string {
    try {
      return renderProgram(this.#program, variablesOf(turns, variables, options));
    } catch (error) {
      const found = `a chat that template ${this.name} cannot render (${oneLine(error)})`;
      throw new FileError(`${origin}: found ${found}`);
    }
  }
}

function variablesOf(
  messages: readonly Turn[],
  { bosToken, eosToken }: TemplateVariables,
  { tools = null, generationPrompt = false }: { tools?: unknown; generationPrompt?: boolean },
) {
  return {
    messages,
    tools,
    bos_token: bosToken,
    eos_token: eosToken,
    generation_begin: GENERATION_BEGIN,
    generation_end: GENERATION_END,
    add_generation_prompt: generationPrompt,
  };
}

/** The library reads the tags but says nothing of what they enclose; blanks around them are kept. */
function withGenerationMarks(source: string): string {
  return source.replace(
    /\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}/g,
    (_, before: string, end: string | undefined, after: string) =>
      `{%${before} if true %}{{ generation_${end ? "end" : "begin"} }}{% endif ${after}%}`,
  );
}
