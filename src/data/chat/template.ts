/**
 * Chat templates: Jinja in, the text of a chat out, within bounds.
 *
 * @module
 */

import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { ConfigError, FileError } from "../../errors.ts";
import type { Role } from "../formats/content.ts";

/** A chat is rendered in far fewer steps, and to far fewer characters, than these. */
const MOST_STEPS = 2_000_000;
const MOST_CHARACTERS = 20_000_000;
/** Numbers of all ranges of one rendering. */
const MOST_NUMBERS = 100_000;

/** Around what `{% generation %}` holds. Noncharacters: no text may have them. */
export const GENERATION_BEGIN = "\ufdd2";
export const GENERATION_END = "\ufdd3";

/** A turn as templates see it. */
export interface Turn {
  readonly role: Role;
  readonly content: string;
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
  readonly #program: ReturnType<typeof parse>;

  /** @throws {ConfigError} if the source is no Jinja that can be read. */
  constructor(name: string, source: string) {
    this.name = name;
    try {
      this.#program = parse(
        tokenize(withGenerationMarks(source), { lstrip_blocks: true, trim_blocks: true }),
      );
    } catch (error) {
      throw new ConfigError(`Chat template ${name}: cannot be read (${oneLine(error)})`);
    }
  }

  /**
   * The text of a chat. What `{% generation %}` encloses is between `GENERATION_BEGIN` and
   * `GENERATION_END`. `strftime_now` is not defined, so that no text depends on the day.
   *
   * @throws {FileError} at `origin` if the template refuses the chat, fails, or does not come to an
   * end within bounds.
   */
  render(turns: readonly Turn[], variables: TemplateVariables, origin: string): string {
    const environment = new Environment();
    const values = { ...GLOBALS, range: boundedRange(), ...variablesOf(turns, variables) };
    for (const [name, value] of Object.entries(values)) environment.set(name, value);
    try {
      const { value } = new BoundedInterpreter(environment).run(this.#program) as { value: string };
      if (value.length <= MOST_CHARACTERS) return value;
      throw new RangeError(`more than ${MOST_CHARACTERS} characters`);
    } catch (error) {
      const found = `a chat that template ${this.name} cannot render (${oneLine(error)})`;
      throw new FileError(`${origin}: found ${found}`);
    }
  }
}

/** As Jinja's own, but that a runaway template stops. */
class BoundedInterpreter extends Interpreter {
  #steps = 0;

  override evaluate(...args: Parameters<Interpreter["evaluate"]>) {
    if (++this.#steps > MOST_STEPS) throw new RangeError(`more than ${MOST_STEPS} steps`);
    return super.evaluate(...args);
  }
}

const GLOBALS = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  raise_exception: (message: string) => {
    throw new Error(message);
  },
  generation_begin: GENERATION_BEGIN,
  generation_end: GENERATION_END,
};

function variablesOf(messages: readonly Turn[], { bosToken, eosToken }: TemplateVariables) {
  const tokens = { bos_token: bosToken, eos_token: eosToken };
  return { messages, ...tokens, add_generation_prompt: false };
}

/** Python's `range`, until so many numbers are used up. */
function boundedRange() {
  let left = MOST_NUMBERS;
  return (first: number, second?: number, step = 1): number[] => {
    const [start, stop] = second === undefined ? [0, first] : [first, second];
    const length = Math.max(0, Math.ceil((stop - start) / step));
    left -= length;
    if (left >= 0) return Array.from({ length }, (_, i) => start + i * step);
    throw new RangeError(`ranges of more than ${MOST_NUMBERS} numbers`);
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

function oneLine(error: unknown): string {
  return (error as Error).message.replace(/\s+/g, " ").slice(0, 200).trim();
}
