/**
 * What all Jinja here shares: it runs within bounds, and no text depends on the day.
 *
 * @module
 */

import { Environment, Interpreter, type parse } from "../../deps/jinja.ts";

/** A template that has been parsed. */
export type Program = ReturnType<typeof parse>;

/** A text is rendered in far fewer steps, and to far fewer characters, than these. */
const MOST_STEPS = 2_000_000;
const MOST_CHARACTERS = 20_000_000;
/** Numbers of all ranges of one rendering. */
const MOST_NUMBERS = 100_000;

/** Jinja's interpreter, but that a runaway template stops. */
export class BoundedInterpreter extends Interpreter {
  #steps = 0;

  override evaluate(...args: Parameters<Interpreter["evaluate"]>): ReturnType<
    Interpreter["evaluate"]
  > {
    if (++this.#steps > MOST_STEPS) throw new RangeError(`more than ${MOST_STEPS} steps`);
    return super.evaluate(...args);
  }
}

/** Renders; throws what the template throws, or RangeError where it does not come to an end. */
export function renderProgram(
  program: Program,
  variables: Readonly<Record<string, unknown>>,
  interpreterOf = (environment: Environment) => new BoundedInterpreter(environment),
): string {
  const environment = new Environment();
  const values = { ...GLOBALS, range: boundedRange(), ...variables };
  for (const [name, value] of Object.entries(values)) environment.set(name, value);
  const { value } = interpreterOf(environment).run(program) as { value: string };
  if (value.length <= MOST_CHARACTERS) return value;
  throw new RangeError(`more than ${MOST_CHARACTERS} characters`);
}

/** What a template threw, on one line, for messages. */
export function oneLine(error: unknown): string {
  return (error as Error).message.replace(/\s+/g, " ").slice(0, 200).trim();
}

/** `strftime_now` is not among them, so that no text depends on the day. */
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
};

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
