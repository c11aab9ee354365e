/**
 * Jinja's tests.
 *
 * @module
 */

import type { Test } from "../environment.ts";
import { IS } from "../methods/letters.ts";
import {
  contains,
  equal,
  isCallable,
  isIterable,
  isSequence,
  numeric,
  order,
  textOf,
} from "../values/compare.ts";
import { binary } from "../values/operators.ts";
import { str } from "../values/text.ts";
import { Dict, Markup, Undefined, type Value } from "../values/value.ts";

const one = (holds: (value: Value) => boolean): Test => (value, args) => {
  args.take("test", []);
  return holds(value);
};

const two = (holds: (value: Value, other: Value) => boolean): Test => (value, args) =>
  holds(value, args.take("test", ["other"], 1)[0]!);

const remainder = (value: Value, by: Value): Value => binary("%", value, by);

const [equals, differs] = [two(equal), two((a, b) => !equal(a, b))];
const greater = two((a, b) => order(a, b, ">") > 0);
const atLeast = two((a, b) => order(a, b, ">=") >= 0);
const less = two((a, b) => order(a, b, "<") < 0);
const atMost = two((a, b) => order(a, b, "<=") <= 0);

/** By name. */
export const TESTS: Readonly<Record<string, Test>> = {
  odd: one((value) => equal(remainder(value, 2n), 1n)),
  even: one((value) => equal(remainder(value, 2n), 0n)),
  divisibleby: two((value, by) => equal(remainder(value, by), 0n)),
  defined: one((value) => !(value instanceof Undefined)),
  undefined: one((value) => value instanceof Undefined),
  none: one((value) => value === null),
  boolean: one((value) => typeof value === "boolean"),
  true: one((value) => value === true),
  false: one((value) => value === false),
  integer: one((value) => typeof value === "bigint"),
  float: one((value) => typeof value === "number"),
  number: one((value) => numeric(value) !== undefined),
  string: one((value) => textOf(value) !== undefined),
  lower: one((value) => IS["islower"]!(str(value))),
  upper: one((value) => IS["isupper"]!(str(value))),
  mapping: one((value) => value instanceof Dict),
  sequence: one(isSequence),
  iterable: one(isIterable),
  callable: one(isCallable),
  escaped: one((value) => value instanceof Markup),
  sameas: two((a, b) => Object.is(a, b)),
  in: two((value, container) => contains(container, value)),
  filter: (value, _, { filters }) => Object.hasOwn(filters, str(value)),
  test: (value, _, { tests }) => Object.hasOwn(tests, str(value)),
  "==": equals,
  eq: equals,
  equalto: equals,
  "!=": differs,
  ne: differs,
  ">": greater,
  gt: greater,
  greaterthan: greater,
  ">=": atLeast,
  ge: atLeast,
  "<": less,
  lt: less,
  lessthan: less,
  "<=": atMost,
  le: atMost,
};
