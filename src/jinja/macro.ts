/**
 * Macros.
 *
 * @module
 */

import type { Environment } from "./environment.ts";
import { compile, type Evaluate } from "./expressions.ts";
import { Scope } from "./scope.ts";
import { captured, compileBody } from "./statements.ts";
import type { Body, Node, Parameter } from "./syntax/nodes.ts";
import { type Arguments, Callable, Dict, Tuple, Undefined, type Value } from "./values/value.ts";

/** The macro as it is made in a scope, whose names it sees when it is called. */
export function macroOf(
  name: string,
  parameters: readonly Parameter[],
  body: Body,
  environment: Environment,
): (scope: Scope) => Callable {
  const defaults = parameters.map((parameter): readonly [string, Evaluate] => {
    if (parameter.type !== "Identifier") {
      return [parameter.key.value, compile(parameter.value, environment)];
    }
    const { value } = parameter;
    return [value, () => new Undefined(`parameter '${value}' was not provided`)];
  });
  const names = defaults.map(([name]) => name);
  const execute = compileBody(body, environment);
  const takesMore = mentions(body, "varargs");
  const takesNamed = mentions(body, "kwargs");
  return (scope) =>
    new Callable(name, ({ positional, named }: Arguments) => {
      if (positional.length > names.length && !takesMore) {
        throw new TypeError(`macro '${name}' takes not more than ${names.length} argument(s)`);
      }
      const within = new Scope(scope);
      const others = new Map(named);
      defaults.forEach(([parameter, otherwise], i) => {
        const isNamed = others.has(parameter);
        if (isNamed && i < positional.length) {
          throw new TypeError(`macro '${name}' got two values for '${parameter}'`);
        }
        const value: Value = i < positional.length
          ? positional[i]!
          : isNamed
          ? others.get(parameter)!
          : otherwise(within);
        others.delete(parameter);
        within.set(parameter, value);
      });
      const caller = others.get("caller");
      others.delete("caller");
      if (!names.includes("caller")) {
        within.set("caller", caller ?? new Undefined("No caller defined"));
      }
      if (takesMore) within.set("varargs", new Tuple(positional.slice(names.length)));
      if (takesNamed) within.set("kwargs", new Dict(others));
      const [odd] = others.keys();
      if (odd !== undefined && !takesNamed) {
        throw new TypeError(`macro '${name}' takes no keyword argument '${odd}'`);
      }
      return captured(execute, within);
    });
}

/** Whether a name is written anywhere in the statements. */
function mentions(part: unknown, name: string): boolean {
  if (Array.isArray(part)) return part.some((one) => mentions(one, name));
  if (part instanceof Map) return mentions([...part].flat(), name);
  if (typeof part !== "object" || part === null) return false;
  const { type, value } = part as Node & { readonly value?: unknown };
  if (type === "Identifier") return value === name;
  return mentions(Object.values(part), name);
}
