/**
 * Jinja's filters of lists.
 *
 * @module
 */

import { spend } from "../budget.ts";
import { type Environment, type Filter, filterOf, testOf } from "../environment.ts";
import { byPath } from "../methods/attributes.ts";
import { needInteger } from "../methods/strings.ts";
import { equal, iterate, lengthOf, listOf, order, textOf, truth } from "../values/compare.ts";
import { binary } from "../values/operators.ts";
import { pieceOf, str } from "../values/text.ts";
import { joined } from "../values/traced.ts";
import {
  Arguments,
  Dict,
  Generator,
  Group,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "../values/value.ts";

/** What items are compared by: themselves or a field, without their case unless it counts. */
function keyOf(attribute: Value | undefined, caseSensitive: boolean, otherwise?: Value) {
  return (item: Value): Value => {
    const found = (attribute ?? null) === null ? item : byPath(item, attribute!);
    const value = found instanceof Undefined && otherwise !== undefined ? otherwise : found;
    const text = textOf(value);
    return text === undefined || caseSensitive ? value : text.toLowerCase();
  };
}

/** Stable; reversed, equal items keep their order too. */
function sorted(items: Value[], key: (item: Value) => Value, isReversed: boolean): Value[] {
  const keyed = items.map((item) => ({ item, key: key(item) }));
  const sign = isReversed ? -1 : 1;
  return keyed.sort((a, b) => sign * order(a.key, b.key)).map(({ item }) => item);
}

const sort: Filter = (value, args) => {
  const names = ["reverse", "case_sensitive", "attribute"];
  const [reverse = false, caseSensitive = false, attribute] = args.take("sort", names);
  const paths = typeof attribute === "string" ? attribute.split(",") : [attribute];
  const keys = paths.map((path) => keyOf(path, truth(caseSensitive)));
  const key = (item: Value) => keys.length === 1 ? keys[0]!(item) : keys.map((one) => one(item));
  return sorted(listOf(value), key, truth(reverse));
};

const dictsort: Filter = (value, args) => {
  const names = ["case_sensitive", "by", "reverse"];
  const [caseSensitive = false, by = "key", reverse = false] = args.take("dictsort", names);
  if (!(value instanceof Dict)) throw new TypeError(`found ${typeName(value)}, wanted a dict`);
  const items = Array.from(value.entries(), (entry) => new Tuple(entry));
  const key = keyOf(by === "value" ? 1n : 0n, truth(caseSensitive));
  return sorted(items, key, truth(reverse));
};

const unique: Filter = (value, args) => {
  const [caseSensitive = false, attribute] = args.take("unique", ["case_sensitive", "attribute"]);
  const key = keyOf(attribute, truth(caseSensitive));
  return new Generator(firstOfEach(value, key));
};

function* firstOfEach(value: Value, key: (item: Value) => Value): Iterable<Value> {
  const seen = new Dict();
  for (const item of iterate(value)) {
    if (seen.has(key(item))) continue;
    seen.set(key(item), true);
    yield item;
  }
}

const groupby: Filter = (value, args) => {
  const names = ["attribute", "default", "case_sensitive"];
  const [attribute, otherwise, caseSensitive = false] = args.take("groupby", names, 1);
  const key = keyOf(attribute, truth(caseSensitive), otherwise);
  const named = keyOf(attribute, true, otherwise);
  const groups: Group[] = [];
  let last: Value | undefined;
  for (const item of sorted(listOf(value), key, false)) {
    const found = key(item);
    if (last === undefined || !equal(last, found)) groups.push(new Group(named(item), []));
    groups.at(-1)!.list.push(item);
    last = found;
  }
  return groups;
};

const extreme = (sign: number): Filter => (value, args) => {
  const [caseSensitive = false, attribute] = args.take("max", ["case_sensitive", "attribute"]);
  const items = listOf(value);
  if (items.length === 0) return new Undefined("No aggregated item, sequence was empty.");
  const key = keyOf(attribute, truth(caseSensitive));
  return items.reduce((best, item) => sign * order(key(item), key(best)) > 0 ? item : best);
};

const sum: Filter = (value, args) => {
  const [attribute, start = 0n] = args.take("sum", ["attribute", "start"]);
  let total = start;
  for (const item of iterate(value)) {
    total = binary("+", total, (attribute ?? null) === null ? item : byPath(item, attribute!));
  }
  return total;
};

const join: Filter = (value, args) => {
  const [between = "", attribute] = args.take("join", ["d", "attribute"]);
  const items = listOf(value).map((item) =>
    pieceOf((attribute ?? null) === null ? item : byPath(item, attribute!))
  );
  return joined(items, pieceOf(between));
};

const map: Filter = (value, args, environment) => {
  const { positional, named } = args;
  if (positional.length === 0 && named.has("attribute")) {
    const [attribute, otherwise] = args.take("map", ["attribute", "default"]);
    return new Generator(mapped(value, (item) => {
      const found = byPath(item, attribute!);
      return found instanceof Undefined && (otherwise ?? null) !== null ? otherwise! : found;
    }));
  }
  const [name, ...others] = positional;
  if (name === undefined) throw new TypeError("map requires a filter argument");
  const filter = filterOf(environment, str(name));
  const inner = new Arguments(others, named);
  return new Generator(mapped(value, (item) => filter(item, inner, environment)));
};

/** As Jinja has it, what is false has no items, none and 0 included. */
function* mapped(value: Value, make: (item: Value) => Value): Iterable<Value> {
  if (!truth(value)) return;

  for (const item of iterate(value)) yield make(item);
}

/** The items for which a test holds, or does not; of a field of theirs where `byField`. */
const selecting = (wanted: boolean, byField: boolean): Filter => (value, args, environment) => {
  const [first, ...others] = args.positional;
  if (byField && first === undefined) throw new TypeError("Missing parameter for attribute name");
  const given = byField ? others : args.positional;
  const holds = testWith(given, args.named, environment);
  const field = (item: Value) => byField ? byPath(item, first!) : item;
  return new Generator(kept(value, (item) => holds(field(item)) === wanted));
};

function testWith(
  [name, ...others]: readonly Value[],
  named: ReadonlyMap<string, Value>,
  environment: Environment,
): (value: Value) => boolean {
  if (name === undefined) return truth;
  const test = testOf(environment, str(name));
  return (value) => test(value, new Arguments(others, named), environment);
}

function* kept(value: Value, holds: (item: Value) => boolean): Iterable<Value> {
  if (!truth(value)) return;

  for (const item of iterate(value)) if (holds(item)) yield item;
}

const batch: Filter = (value, args) => {
  const [size, fill = null] = args.take("batch", ["linecount", "fill_with"], 1);
  return new Generator(batches(listOf(value), needInteger(size, 1), fill));
};

function* batches(items: Value[], size: number, fill: Value): Iterable<Value> {
  if (size < 1) throw new RangeError("batches of no item");
  for (let at = 0; at < items.length; at += size) {
    const found = items.slice(at, at + size);
    yield fill === null ? found : filled(found, size, fill);
  }
}

function filled(items: Value[], size: number, fill: Value): Value[] {
  spend(size);
  return [...items, ...Array.from({ length: size - items.length }, () => fill)];
}

const slice: Filter = (value, args) => {
  const [count, fill = null] = args.take("slice", ["slices", "fill_with"], 1);
  return new Generator(slices(listOf(value), needInteger(count, 1), fill));
};

function* slices(items: Value[], count: number, fill: Value): Iterable<Value> {
  const each = Math.floor(items.length / count);
  const longer = items.length % count;
  for (let i = 0, at = 0; i < count; i++) {
    spend();
    const found = items.slice(at, at += each + (i < longer ? 1 : 0));
    yield fill !== null && i >= longer ? [...found, fill] : found;
  }
}

const first: Filter = (value) => {
  for (const item of iterate(value)) return item;
  return new Undefined("No first item, sequence was empty.");
};

const last: Filter = (value) => {
  if (value instanceof Generator) throw new TypeError("'generator' object is not reversible");
  const found = listOf(value).at(-1);
  return found === undefined ? new Undefined("No last item, sequence was empty.") : found;
};

const reverse: Filter = (value) => {
  const text = textOf(value);
  if (text !== undefined) return joined(listOf(value).reverse().map(pieceOf));
  const items = listOf(value).reverse();
  if (value instanceof Generator) return items;
  const type = value instanceof Range ? "range_iterator" : `${typeName(value)}_reverseiterator`;
  return new Generator(items, type);
};

const items: Filter = (value) => {
  if (value instanceof Undefined) return new Generator([]);
  if (!(value instanceof Dict)) throw new TypeError("Can only get item pairs from a mapping.");
  return new Generator(Array.from(value.entries(), (entry) => new Tuple(entry)));
};

/** By name. */
export const LIST_FILTERS: Readonly<Record<string, Filter>> = {
  batch,
  count: lengthOf,
  dictsort,
  first,
  groupby,
  items,
  join,
  last,
  length: lengthOf,
  list: listOf,
  map,
  max: extreme(1),
  min: extreme(-1),
  reject: selecting(false, false),
  rejectattr: selecting(false, true),
  reverse,
  select: selecting(true, false),
  selectattr: selecting(true, true),
  slice,
  sort,
  sum,
  unique,
};
