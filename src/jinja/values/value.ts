/**
 * Values as Python has them: integers are bigints and floats are numbers, so that 1 and 1.0 stay apart.
 *
 * @module
 */

import { Traced } from "./traced.ts";

/** What an expression can come to. */
export type Value =
  | string
  | bigint
  | number
  | boolean
  | null
  | Value[]
  | Undefined
  | Tuple
  | Dict
  | Range
  | View
  | Generator
  | Namespace
  | Callable
  | Instance
  | Markup
  | Traced;

/** A name or field that is not there, and what to say where it is needed. */
export class Undefined {
  constructor(readonly reason: string) {}
}

export class Tuple {
  constructor(readonly items: readonly Value[]) {}
}

/** Python's dict: keys that compare equal are one key, in the order in which they came. */
export class Dict {
  readonly #entries = new Map<unknown, [Value, Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hashed(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(hashed(key));
  }

  set(key: Value, value: Value): void {
    const hash = hashed(key);
    this.#entries.set(hash, [this.#entries.get(hash)?.[0] ?? key, value]);
  }

  keys(): Value[] {
    return Array.from(this.#entries.values(), ([key]) => key);
  }

  values(): Value[] {
    return Array.from(this.#entries.values(), ([, value]) => value);
  }

  entries(): Iterable<[Value, Value]> {
    return this.#entries.values();
  }
}

/** Python's range: no list is made of it. */
export class Range {
  readonly length: number;

  constructor(readonly start: number, readonly stop: number, readonly step: number) {
    this.length = Math.max(0, Math.ceil((stop - start) / step));
  }

  at(index: number): bigint {
    return BigInt(this.start + index * this.step);
  }
}

/** Keys, values or items of a dict: no list, and not to be indexed. */
export class View {
  constructor(readonly kind: "keys" | "values" | "items", readonly dict: Dict) {}

  items(): Value[] {
    if (this.kind === "keys") return this.dict.keys();
    if (this.kind === "values") return this.dict.values();
    return Array.from(this.dict.entries(), (entry) => new Tuple(entry));
  }
}

/** What can be walked through once; true, whatever it holds, and without a length. */
export class Generator {
  readonly #items: Iterator<Value>;

  /** @param type the name of its type in Python. */
  constructor(items: Iterable<Value>, readonly type = "generator") {
    this.#items = items[Symbol.iterator]();
  }

  /** What is left. */
  *rest(): Iterable<Value> {
    for (let next = this.#items.next(); !next.done; next = this.#items.next()) yield next.value;
  }
}

/** What `namespace()` makes. */
export class Namespace {
  constructor(readonly fields: Map<string, Value>) {}
}

/** Arguments of a call. */
export class Arguments {
  constructor(
    readonly positional: readonly Value[],
    readonly named: ReadonlyMap<string, Value> = new Map(),
  ) {}

  /**
   * The arguments of these parameters, undefined where one is not given.
   *
   * @throws {TypeError} where there are too many, too few or one that is not known.
   */
  take(callee: string, names: readonly string[], required = 0): (Value | undefined)[] {
    const { positional, named } = this;
    if (positional.length > names.length) {
      throw new TypeError(
        `${callee}() takes at most ${names.length} arguments (${positional.length} given)`,
      );
    }
    const odd = [...named.keys()].find((name) => names.indexOf(name) < positional.length);
    if (odd !== undefined) {
      throw new TypeError(`${callee}() got an unexpected keyword argument '${odd}'`);
    }
    const values = names.map((name, i) => i < positional.length ? positional[i] : named.get(name));
    const missing = values.slice(0, required).indexOf(undefined);
    if (missing < 0) return values;
    throw new TypeError(`${callee}() missing a required argument: '${names[missing]}'`);
  }
}

/** A function, a method with its object, or a macro. */
export class Callable {
  constructor(readonly name: string, readonly call: (args: Arguments) => Value) {}
}

/** What has fields of its own kind, such as `loop` within a loop. */
export class Instance {
  /** @param lookUp the value of a field, undefined where there is none. */
  constructor(
    readonly type: string,
    readonly lookUp: (field: string) => Value | undefined,
    readonly call: (args: Arguments) => Value,
  ) {}
}

/** What `groupby` makes of each group: its items can be read by name. */
export class Group extends Tuple {
  constructor(readonly grouper: Value, readonly list: Value[]) {
    super([grouper, list]);
  }
}

/** Text that is safe in HTML: what is added to it is escaped. */
export class Markup {
  constructor(readonly text: string) {}
}

/** A value among those that JSON.parse gives, to be taken as it is. */
export class Exact {
  constructor(readonly value: Value) {}
}

/** What JSON.parse gives, or a value in it, as a value here; a whole number is an integer. */
export function fromPlain(value: unknown): Value {
  if (value instanceof Exact) return value.value;

  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value !== "object" || isOwn(value)) return value as Value;
  const dict = new Dict();
  for (const [key, inner] of Object.entries(value)) {
    if (inner !== undefined) dict.set(key, fromPlain(inner));
  }
  return dict;
}

const OWN = [
  Undefined,
  Tuple,
  Dict,
  Range,
  View,
  Generator,
  Namespace,
  Callable,
  Instance,
  Markup,
  Traced,
];
const isOwn = (value: object): boolean => OWN.some((kind) => value instanceof kind);

/** The name of a value's type in Python. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "string") return "str";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "float";
  if (typeof value === "boolean") return "bool";
  if (Array.isArray(value)) return "list";
  if (value instanceof View) return `dict_${value.kind}`;
  if (value instanceof Generator || value instanceof Instance) return value.type;
  if (value instanceof Callable) return "function";
  if (value instanceof Traced) return "str";
  if (value instanceof Group) return "_GroupTuple";
  return value instanceof Tuple || value instanceof Dict || value instanceof Range
    ? value.constructor.name.toLowerCase()
    : value.constructor.name;
}

/** @throws {Error} where the value is not there. */
export function defined<T extends Value>(value: T): Exclude<T, Undefined> {
  if (value instanceof Undefined) throw new Error(value.reason);
  return value as Exclude<T, Undefined>;
}

/** The same for all keys that are equal in Python. */
function hashed(key: Value): unknown {
  if (typeof key === "string" || typeof key === "bigint" || key === null) return key;
  if (typeof key === "boolean") return key ? 1n : 0n;
  if (typeof key === "number") return Number.isInteger(key) ? BigInt(key) : key;
  if (key instanceof Markup || key instanceof Traced) return key.text;
  if (key instanceof Tuple) {
    return JSON.stringify(key.items.map((item) => [String(hashed(item)), typeof hashed(item)]));
  }
  if (Array.isArray(key) || key instanceof Dict) {
    throw new TypeError(`unhashable type: '${typeName(key)}'`);
  }
  return key;
}
