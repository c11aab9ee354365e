/**
 * What a template finds beside its variables: filters, tests and functions.
 *
 * @module
 */

import type { Arguments, Value } from "./values/value.ts";

/** A filter: the piped value, then its arguments. */
export type Filter = (value: Value, args: Arguments, environment: Environment) => Value;

/** A test: the value asked about, then its arguments. */
export type Test = (value: Value, args: Arguments, environment: Environment) => boolean;

/** How templates of one kind are read and rendered. */
export interface Environment {
  /** As `trim_blocks` and `lstrip_blocks` of Jinja. */
  readonly trimsBlocks: boolean;
  readonly filters: Readonly<Record<string, Filter>>;
  readonly tests: Readonly<Record<string, Test>>;
  /** Names that are there in every template. */
  readonly globals: Readonly<Record<string, Value>>;
  /** Written before and after what `{% generation %}` encloses; without it there is no such tag. */
  readonly generationMarks?: readonly [begin: string, end: string];
}

/** @throws {Error} where there is none. */
export function filterOf({ filters }: Environment, name: string): Filter {
  if (Object.hasOwn(filters, name)) return filters[name]!;
  throw new Error(`No filter named '${name}'.`);
}

/** @throws {Error} where there is none. */
export function testOf({ tests }: Environment, name: string): Test {
  if (Object.hasOwn(tests, name)) return tests[name]!;
  throw new Error(`No test named '${name}'.`);
}
