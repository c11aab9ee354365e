/**
 * Functions that every template finds.
 *
 * @module
 */

import { spend } from "./budget.ts";
import { needInteger, needText } from "./methods/strings.ts";
import { strftime } from "./strftime.ts";
import { listOf } from "./values/compare.ts";
import { str } from "./values/text.ts";
import {
  type Arguments,
  Callable,
  Dict,
  Instance,
  Namespace,
  Range,
  type Value,
} from "./values/value.ts";

/** Numbers of a range, in Jinja's sandbox. */
const MOST_NUMBERS = 100_000;

function range(args: Arguments): Value {
  const given = args.take("range", ["start", "stop", "step"], 1).map((value) =>
    value === undefined ? undefined : needInteger(value, 0)
  );
  const [first, second, step = 1] = given;
  const [start, stop] = second === undefined ? [0, first!] : [first!, second];
  if (step === 0) throw new RangeError("range() arg 3 must not be zero");
  const made = new Range(start, stop, step);
  if (made.length <= MOST_NUMBERS) return made;
  throw new RangeError(`a range of more than ${MOST_NUMBERS} numbers`);
}

/** Python's `dict()`: of a dict or of pairs, and of names. */
function entriesOf(args: Arguments): Dict {
  const [source] = args.positional;
  const pairs = source === undefined
    ? []
    : source instanceof Dict
    ? source.entries()
    : listOf(source).map(pairOf);
  return new Dict([...pairs, ...args.named]);
}

function pairOf(value: Value): [Value, Value] {
  const items = listOf(value);
  if (items.length === 2) return [items[0]!, items[1]!];
  throw new TypeError(`found ${items.length} values, wanted pairs`);
}

function namespace(args: Arguments): Value {
  const entries = [...entriesOf(args).entries()].map(([key, value]) =>
    [checkedName(str(key)), value] as const
  );
  return new Namespace(new Map(entries));
}

/** @throws {TypeError} for a name that transformers keeps from namespaces. */
export function checkedName(name: string): string {
  if (!name.startsWith("_")) return name;
  throw new TypeError(`found the name ${name} in a namespace, wanted one without _ before it`);
}

/** Python's `zip`. */
function zip(args: Arguments): Value {
  const lists = args.positional.map(listOf);
  const length = lists.length === 0 ? 0 : Math.min(...lists.map((list) => list.length));
  spend(length * lists.length);
  return Array.from({ length }, (_, i) => lists.map((list) => list[i]!));
}

function cycler(args: Arguments): Value {
  const items = args.positional;
  if (items.length === 0) throw new TypeError("at least one item has to be provided");
  let at = 0;
  const next = new Callable("next", () => items[at++ % items.length]!);
  const reset = new Callable("reset", () => {
    at = 0;
    return null;
  });
  return new Instance("Cycler", (field) => {
    if (field === "current") return items[at % items.length];
    return field === "next" ? next : field === "reset" ? reset : undefined;
  }, () => notCallable("Cycler"));
}

function joiner(args: Arguments): Value {
  const [between = ", "] = args.take("joiner", ["sep"]);
  let isUsed = false;
  return new Callable("joiner", () => {
    const made = isUsed ? between : "";
    isUsed = true;
    return made;
  });
}

function notCallable(type: string): never {
  throw new TypeError(`'${type}' object is not callable`);
}

function raise(args: Arguments): never {
  throw new Error(str(args.take("raise_exception", ["message"], 1)[0]!));
}

/** `strftime_now` of transformers, on a day of one's own. */
export const strftimeOf = (day: string): Callable =>
  new Callable(
    "strftime_now",
    (args) => strftime(needText(args.take("strftime_now", ["format"], 1)[0]), day),
  );

const functions = (named: Readonly<Record<string, (args: Arguments) => Value>>) =>
  Object.fromEntries(
    Object.entries(named).map(([name, call]) => [name, new Callable(name, call)]),
  );

/** Those of Jinja. */
export const GLOBALS: Readonly<Record<string, Value>> = functions({
  range,
  dict: entriesOf,
  namespace,
  cycler,
  joiner,
});

/** What transformers adds, but for the day. */
export const CHAT_GLOBALS: Readonly<Record<string, Value>> = functions({ raise_exception: raise });

/** What PromptSource adds. */
export const PROMPT_GLOBALS: Readonly<Record<string, Value>> = functions({ zip });
