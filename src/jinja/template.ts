/**
 * Jinja as Python renders it: parsed by `@huggingface/jinja`, computed with Python's values and
 * operators, within bounds of work and memory.
 *
 * @module
 */

import { withBudget } from "./budget.ts";
import type { Environment } from "./environment.ts";
import { LIST_FILTERS } from "./filters/lists.ts";
import { TESTS } from "./filters/tests.ts";
import { TEXT_FILTERS } from "./filters/text.ts";
import { htmlJson, tojson, VALUE_FILTERS } from "./filters/values.ts";
import { CHAT_GLOBALS, GLOBALS, PROMPT_GLOBALS } from "./globals.ts";
import { Scope } from "./scope.ts";
import { captured, compileBody, type Execute } from "./statements.ts";
import { parse } from "./syntax/parse.ts";
import { type Piece, plainText } from "./values/traced.ts";
import type { Value } from "./values/value.ts";

const FILTERS = { ...TEXT_FILTERS, ...LIST_FILTERS, ...VALUE_FILTERS };

/** Around what `{% generation %}` holds. Noncharacters: no text may have them. */
export const GENERATION_MARKS = ["\ufdd2", "\ufdd3"] as const;

/** Chat templates, as transformers renders them. */
export const CHATS: Environment = {
  trimsBlocks: true,
  filters: { ...FILTERS, tojson },
  tests: TESTS,
  globals: { ...GLOBALS, ...CHAT_GLOBALS },
  generationMarks: GENERATION_MARKS,
};

/** Prompts, as PromptSource renders them. */
export const PROMPTS: Environment = {
  trimsBlocks: false,
  filters: { ...FILTERS, tojson: htmlJson },
  tests: TESTS,
  globals: { ...GLOBALS, ...PROMPT_GLOBALS },
};

/** A template that has been read. */
export class Template {
  readonly #execute: Execute;

  /** @throws {SyntaxError} if the source is no Jinja that can be read. */
  constructor(source: string, private readonly environment: Environment) {
    const { trimsBlocks } = environment;
    const body = parse(source, { trimBlocks: trimsBlocks, lstripBlocks: trimsBlocks });
    this.#execute = compileBody(body, environment);
  }

  /**
   * The text of the template, and what of it comes from traced texts among the variables.
   *
   * @throws what the template or a filter throws, or RangeError where it costs too much.
   */
  trace(variables: Readonly<Record<string, Value>>): Piece {
    return withBudget(() => {
      const scope = new Scope();
      const { globals } = this.environment;
      for (const [name, value] of Object.entries(globals)) scope.set(name, value);
      for (const [name, value] of Object.entries(variables)) scope.set(name, value);
      return captured(this.#execute, scope);
    });
  }

  /** The text of the template. Errors as {@link Template.trace}. */
  render(variables: Readonly<Record<string, Value>>): string {
    return plainText(this.trace(variables));
  }
}

/** What a template threw, on one line, for messages. */
export function oneLine(error: unknown): string {
  return (error as Error).message.replace(/\s+/g, " ").slice(0, 200).trim();
}
