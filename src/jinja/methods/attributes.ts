/**
 * Fields, items and methods of values, as Jinja's sandbox reads them: what changes a list or a dict,
 * and what begins with an underscore, is not there.
 *
 * @module
 */

import { charactersOf } from "../values/operators.ts";
import { type Piece, Traced } from "../values/traced.ts";
import { countCharacters, equal, listOf, numeric, textOf } from "../values/compare.ts";
import { repr, str } from "../values/text.ts";
import {
  Arguments,
  Callable,
  Dict,
  Group,
  Instance,
  Markup,
  Namespace,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from "../values/value.ts";
import { formatFields, namedOf } from "./format.ts";
import { needInteger, STRING_METHODS } from "./strings.ts";

type Method = (args: Arguments) => Value;

/** What Python's types have that the sandbox does not give. */
const CHANGING: Readonly<Record<string, readonly string[]>> = {
  list: ["append", "extend", "insert", "pop", "remove", "reverse", "sort", "clear"],
  dict: ["clear", "pop", "popitem", "setdefault", "update"],
};
/** What they have and a template has no use for; it is there, but it cannot be called. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  str: ["encode", "maketrans", "translate"],
  int: ["as_integer_ratio", "bit_count", "bit_length", "conjugate", "from_bytes", "to_bytes"],
  float: ["as_integer_ratio", "conjugate", "fromhex", "hex"],
  dict: ["fromkeys"],
};

/** `value.name`: a field or method of the value, else its item of that name. */
export function attribute(value: Value, name: string): Value {
  const own = ownAttribute(value, name);
  const found = own === undefined ? item(value, name) : own;
  return found === undefined ? missing(value, name) : found;
}

/** `value[key]`: its item, else the field or method of that name. */
export function subscript(value: Value, key: Value): Value {
  const name = textOf(key);
  const found = item(value, key);
  if (found !== undefined) return found;
  const own = name === undefined ? undefined : ownAttribute(value, name);
  return own === undefined ? missing(value, key) : own;
}

/** `value|attr(name)`: never an item. */
export function attributeOnly(value: Value, name: string): Value {
  const own = ownAttribute(value, name);
  return own === undefined ? missing(value, name) : own;
}

function missing(value: Value, name: Value): Undefined {
  if (value instanceof Undefined) throw new Error(value.reason);
  const kind = value === null ? "None" : `${typeName(value)} object`;
  const shown = textOf(name);
  return new Undefined(
    shown === undefined
      ? `${kind} has no element ${repr(name)}`
      : `'${kind}' has no attribute '${shown}'`,
  );
}

/** Undefined where there is none; also for what Python would refuse as a key. */
function item(value: Value, key: Value): Value | undefined {
  if (value instanceof Dict) {
    return Array.isArray(key) || key instanceof Dict ? undefined : value.get(key);
  }
  const index = numeric(key);
  if (typeof index !== "bigint") return undefined;
  const at = (length: number) => Number(index < 0n ? index + BigInt(length) : index);
  const text = textOf(value);
  if (text !== undefined) {
    if (value instanceof Traced) return listOf(value)[at(countCharacters(text))];
    const characters = charactersOf(text);
    return characters[at(characters.length)];
  }
  if (Array.isArray(value)) return value[at(value.length)];
  if (value instanceof Tuple) return value.items[at(value.items.length)];
  if (!(value instanceof Range)) return undefined;
  const place = at(value.length);
  return place >= 0 && place < value.length ? value.at(place) : undefined;
}

/** What Python's `getattr` finds, undefined where it finds nothing. */
function ownAttribute(value: Value, name: string): Value | undefined {
  if (value instanceof Undefined) throw new Error(value.reason);
  const type = value instanceof Markup ? "str" : typeName(value);
  const isHidden = /^__\w+__$/.test(name) || CHANGING[type]?.includes(name);
  if (isHidden) {
    return new Undefined(`access to attribute '${name}' of '${type}' object is unsafe.`);
  }
  if (value instanceof Namespace) return value.fields.get(name);
  if (value instanceof Instance) return value.lookUp(name);
  const method = methodOf(value, name);
  if (method !== undefined) return new Callable(name, method);
  if (OTHERS[type]?.includes(name)) return new Callable(name, () => refused(type, name));
  return valueOf(value, name);
}

function refused(type: string, name: string): never {
  throw new TypeError(`Found ${type}.${name}(), wanted a method that chat templates use`);
}

/** Attributes that are values. */
function valueOf(value: Value, name: string): Value | undefined {
  const number = numeric(value);
  if (number !== undefined && name === "real") return number;
  if (number !== undefined && name === "imag") return typeof number === "bigint" ? 0n : 0;
  if (typeof number === "bigint" && name === "numerator") return number;
  if (typeof number === "bigint" && name === "denominator") return 1n;
  if (value instanceof Group) return { grouper: value.grouper, list: value.list }[name];
  if (!(value instanceof Range)) return undefined;
  const { start, stop, step } = value;
  const field = { start, stop, step }[name];
  return field === undefined ? undefined : BigInt(field);
}

function methodOf(value: Value, name: string): Method | undefined {
  const text = textOf(value);
  if (text !== undefined) return stringMethod(value instanceof Traced ? value : text, name);
  if (value instanceof Dict) return dictMethod(value, name);
  if (Array.isArray(value)) return listMethod(value, name, true);
  if (value instanceof Tuple || value instanceof Range) {
    return listMethod(value instanceof Tuple ? value.items : listOf(value), name, false);
  }
  if (typeof value !== "number" || name !== "is_integer") return undefined;
  return () => Number.isInteger(value);
}

function stringMethod(text: Piece, name: string): Method | undefined {
  if (name === "format") return (args) => formatFields(text, args, subscript);
  if (name === "format_map") {
    return (args) => {
      const [fields] = args.take(name, ["mapping"], 1);
      return formatFields(text, new Arguments([], namedOf(fields!)), subscript);
    };
  }
  if (!Object.hasOwn(STRING_METHODS, name)) return undefined;
  return (args) => STRING_METHODS[name]!(text, args);
}

function dictMethod(dict: Dict, name: string): Method | undefined {
  switch (name) {
    case "get":
      return (args) => {
        const [key, otherwise = null] = args.take("get", ["key", "default"], 1);
        const found = dict.get(key!);
        return found === undefined ? otherwise : found;
      };
    case "keys":
    case "values":
    case "items":
      return (args) => {
        args.take(name, []);
        return new View(name, dict);
      };
    case "copy":
      return () => new Dict(dict.entries());
    default:
      return undefined;
  }
}

function listMethod(items: readonly Value[], name: string, copies: boolean): Method | undefined {
  switch (name) {
    case "count":
      return (args) => {
        const [wanted] = args.take("count", ["value"], 1);
        return BigInt(items.filter((one) => equal(one, wanted!)).length);
      };
    case "index":
      return (args) => {
        const [wanted, start, stop] = args.take("index", ["value", "start", "stop"], 1);
        const from = needInteger(start, 0);
        const to = needInteger(stop, items.length);
        const at = items.findIndex((one, i) => i >= from && i < to && equal(one, wanted!));
        if (at >= 0) return BigInt(at);
        throw new RangeError(`${str(wanted!)} is not in list`);
      };
    case "copy":
      return copies ? () => [...items] : undefined;
    default:
      return undefined;
  }
}

/** A field by the path that filters take: `a.b.0`. */
export function byPath(value: Value, path: Value): Value {
  const steps = typeof path === "string" ? path.split(".") : [path];
  return steps.reduce((inner: Value, step) => {
    const isIndex = typeof step === "string" && /^\d+$/.test(step);
    return subscript(inner, isIndex ? BigInt(step) : step);
  }, value);
}
