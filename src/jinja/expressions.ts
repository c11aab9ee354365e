/**
 * Expressions, compiled to functions of the scope that they are evaluated in.
 *
 * @module
 */

import { spend } from "./budget.ts";
import { type Environment, filterOf, testOf } from "./environment.ts";
import { attribute, subscript } from "./methods/attributes.ts";
import type { Scope } from "./scope.ts";
import { LARGE_INTEGER } from "./syntax/lexer.ts";
import type { Binary, Body, Call, Member, Named, Node, Slice } from "./syntax/nodes.ts";
import { GROUP, IS, IS_NOT, RECURSIVE, TUPLE } from "./syntax/parse.ts";
import { contains, equal, listOf, order, truth } from "./values/compare.ts";
import { binary, signed, slice } from "./values/operators.ts";
import { pieceOf, str } from "./values/text.ts";
import { joined } from "./values/traced.ts";
import {
  Arguments,
  Callable,
  Dict,
  Instance,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values/value.ts";

/** What an expression comes to in a scope. */
export type Evaluate = (scope: Scope) => Value;

const CONSTANTS: Readonly<Record<string, Value>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

/** @throws {SyntaxError} for what stands in no expression. */
export function compile(node: Node, environment: Environment): Evaluate {
  const inner = (child: Node) => compile(child, environment);
  switch (node.type) {
    case "StringLiteral":
      return constant(node.value);
    case "IntegerLiteral":
      return constant(BigInt(node.value));
    case "FloatLiteral":
      return constant(node.value);
    case "Identifier":
      return variable(node.value);
    case "ArrayLiteral": {
      const items = node.value.map(inner);
      return (scope) => items.map((item) => item(scope));
    }
    case "TupleLiteral": {
      const items = node.value.map(inner);
      return (scope) => new Tuple(items.map((item) => item(scope)));
    }
    case "ObjectLiteral": {
      const entries = [...node.value].map(([key, value]) => [inner(key), inner(value)] as const);
      return (scope) => new Dict(entries.map(([key, value]) => [key(scope), value(scope)]));
    }
    case "MemberExpression":
      return member(node, environment);
    case "CallExpression":
      return call(node, environment);
    case "FilterExpression":
      return filtered(inner(node.operand), node.filter, environment);
    case "BinaryExpression":
      return binaryExpression(node, environment);
    case "UnaryExpression": {
      const argument = inner(node.argument);
      const { value: operator } = node.operator;
      if (operator === "not") return (scope) => !truth(argument(scope));
      return (scope) => signed(operator, argument(scope));
    }
    case "Ternary": {
      const [test, yes, no] = [node.condition, node.trueExpr, node.falseExpr].map(inner);
      return (scope) => truth(test!(scope)) ? yes!(scope) : no!(scope);
    }
    case "SelectExpression": {
      const [test, yes] = [inner(node.test), inner(node.lhs)];
      const no = new Undefined("the inline if-expression evaluated to false and has no else");
      return (scope) => truth(test(scope)) ? yes(scope) : no;
    }
    default:
      throw new SyntaxError(`found ${node.type}, wanted an expression`);
  }
}

const constant = (value: Value): Evaluate => () => value;

function variable(name: string): Evaluate {
  if (Object.hasOwn(CONSTANTS, name)) return constant(CONSTANTS[name]!);
  const missing = new Undefined(`'${name}' is undefined`);
  return (scope) => {
    const value = scope.get(name);
    return value === undefined ? missing : value;
  };
}

function member({ object, property, computed }: Member, environment: Environment): Evaluate {
  const of = compile(object, environment);
  if (property.type === "SliceExpression") return sliced(of, property, environment);
  if (computed) {
    const key = compile(property, environment);
    return (scope) => {
      spend();
      return subscript(of(scope), key(scope));
    };
  }
  if (property.type === "IntegerLiteral") {
    const index = BigInt(property.value);
    return (scope) => subscript(of(scope), index);
  }
  const { value: name } = property as { value: string };
  return (scope) => {
    spend();
    return attribute(of(scope), name);
  };
}

function sliced(of: Evaluate, { start, stop, step }: Slice, environment: Environment): Evaluate {
  const bound = (node: Node | undefined) =>
    node === undefined ? constant(null) : compile(node, environment);
  const [from, to, by] = [bound(start), bound(stop), bound(step)];
  return (scope) => {
    spend();
    return slice(of(scope), from(scope), to(scope), by(scope));
  };
}

/** Calls a value. @throws {TypeError} where it is no function. */
export function callValue(value: Value, args: Arguments): Value {
  spend();
  if (value instanceof Callable || value instanceof Instance) return value.call(args);
  if (value instanceof Undefined) throw new Error(value.reason);
  throw new TypeError(`'${typeName(value)}' object is not callable`);
}

function call(node: Call, environment: Environment): Evaluate {
  const { callee, args } = node;
  if (callee.type === "Identifier") {
    const [first] = args;
    if (callee.value === LARGE_INTEGER) return constant(BigInt((first as { value: string }).value));
    if (callee.value === GROUP || callee.value === RECURSIVE) return compile(first!, environment);
    if (callee.value === TUPLE) {
      return compile({ type: "TupleLiteral", value: args }, environment);
    }
  }
  const called = compile(callee, environment);
  const given = compileArguments(args, environment);
  return (scope) => callValue(called(scope), given(scope));
}

/** The arguments of a call. */
export function compileArguments(
  nodes: Body,
  environment: Environment,
): (scope: Scope) => Arguments {
  const inner = (node: Node) => compile(node, environment);
  const steps = nodes.map((node): (scope: Scope, at: Value[], by: Map<string, Value>) => void => {
    if (node.type === "KeywordArgumentExpression") {
      const [name, value] = [node.key.value, inner(node.value)];
      return (scope, _, named) => named.set(name, value(scope));
    }
    if (node.type === "SpreadExpression") {
      const list = inner(node.argument);
      return (scope, positional) => positional.push(...listOf(list(scope)));
    }
    if (node.type === "KeywordSpreadExpression") {
      const dict = inner(node.argument);
      return (scope, _, named) => {
        const value = dict(scope);
        if (!(value instanceof Dict)) throw new TypeError("argument after ** must be a mapping");
        for (const [key, one] of value.entries()) named.set(str(key), one);
      };
    }
    const value = inner(node);
    return (scope, positional) => positional.push(value(scope));
  });
  return (scope) => {
    const [positional, named] = [[] as Value[], new Map<string, Value>()];
    for (const step of steps) step(scope, positional, named);
    return new Arguments(positional, named);
  };
}

/** A filter over a value; tests with arguments are among them. */
export function filtered(of: Evaluate, filter: Named, environment: Environment): Evaluate {
  const isCall = filter.type === "CallExpression";
  const named = isCall ? filter.callee : filter;
  if (named.type !== "Identifier") {
    throw new SyntaxError(`found ${named.type}, wanted the name of a filter`);
  }
  const { value: name } = named;
  const given = compileArguments(isCall ? filter.args : [], environment);
  const isNegated = name.startsWith(IS_NOT);
  if (!isNegated && !name.startsWith(IS)) {
    return (scope) => {
      spend();
      return filterOf(environment, name)(of(scope), given(scope), environment);
    };
  }
  const test = name.slice((isNegated ? IS_NOT : IS).length);
  return (scope) => {
    spend();
    return testOf(environment, test)(of(scope), given(scope), environment) !== isNegated;
  };
}

type Holds = (a: Value, b: Value) => boolean;

const COMPARISONS: Readonly<Record<string, Holds>> = {
  "==": equal,
  "!=": (a, b) => !equal(a, b),
  "<": (a, b) => order(a, b, "<") < 0,
  ">": (a, b) => order(a, b, ">") > 0,
  "<=": (a, b) => order(a, b, "<=") <= 0,
  ">=": (a, b) => order(a, b, ">=") >= 0,
  in: (a, b) => contains(b, a),
  "not in": (a, b) => !contains(b, a),
};

function binaryExpression(node: Binary, environment: Environment): Evaluate {
  const { value: operator } = node.operator;
  if (Object.hasOwn(COMPARISONS, operator)) return comparison(node, environment);
  const [left, right] = [node.left, node.right].map((child) => compile(child, environment));
  switch (operator) {
    case "and":
      return (scope) => {
        const value = left!(scope);
        return truth(value) ? right!(scope) : value;
      };
    case "or":
      return (scope) => {
        const value = left!(scope);
        return truth(value) ? value : right!(scope);
      };
    case "~":
      return (scope) => {
        return joined([pieceOf(left!(scope)), pieceOf(right!(scope))]);
      };
    default:
      return (scope) => {
        spend();
        return binary(operator, left!(scope), right!(scope));
      };
  }
}

/** `a < b < c` holds where both do, as in Python; groups in parentheses come as calls. */
function comparison(node: Binary, environment: Environment): Evaluate {
  const links: { readonly holds: Holds; readonly right: Evaluate }[] = [];
  let left: Node = node;
  while (left.type === "BinaryExpression" && Object.hasOwn(COMPARISONS, left.operator.value)) {
    const holds = COMPARISONS[left.operator.value]!;
    links.unshift({ holds, right: compile(left.right, environment) });
    left = left.left;
  }
  const first = compile(left, environment);
  return (scope) => {
    spend();
    let value = first(scope);
    return links.every(({ holds, right }) => {
      const next = right(scope);
      const isTrue = holds(value, next);
      value = next;
      return isTrue;
    });
  };
}
