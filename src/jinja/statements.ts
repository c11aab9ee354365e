/**
 * Statements, compiled to functions that write.
 *
 * @module
 */

import type { Environment } from "./environment.ts";
import { callValue, compile, compileArguments, type Evaluate, filtered } from "./expressions.ts";
import { checkedName } from "./globals.ts";
import { LoopState } from "./loop.ts";
import { macroOf } from "./macro.ts";
import { Scope } from "./scope.ts";
import type { Body, CallBlock, For, Named, Node, SetNode } from "./syntax/nodes.ts";
import { GENERATION, RECURSIVE, WITH } from "./syntax/parse.ts";
import { iterate, listOf, truth } from "./values/compare.ts";
import { pieceOf } from "./values/text.ts";
import { type Piece, TextBuilder } from "./values/traced.ts";
import { Arguments, Namespace, type Value } from "./values/value.ts";

/** What follows a statement: the next one, or the next turn or end of the loop around it. */
export type Signal = "next" | "continue" | "break";

/** Writes in a scope. */
export type Execute = (scope: Scope, output: TextBuilder) => Signal;

/** The statements of a body, one after the other. */
export function compileBody(body: Body, environment: Environment): Execute {
  const statements = body.map((node) => statement(node, environment));
  return (scope, output) => {
    for (const execute of statements) {
      const signal = execute(scope, output);
      if (signal !== "next") return signal;
    }
    return "next";
  };
}

/** What a body writes, as a text of its own. */
export function captured(execute: Execute, scope: Scope): Piece {
  const output = new TextBuilder();
  execute(scope, output);
  return output.build();
}

function statement(node: Node, environment: Environment): Execute {
  switch (node.type) {
    case "If": {
      const test = compile(node.test, environment);
      const [yes, no] = [node.body, node.alternate].map((body) => compileBody(body, environment));
      return (scope, output) => (truth(test(scope)) ? yes! : no!)(scope, output);
    }
    case "For":
      return loop(node, environment);
    case "Break":
      return () => "break";
    case "Continue":
      return () => "continue";
    case "Set":
      return assignment(node, environment);
    case "Macro": {
      const macro = macroOf(node.name.value, node.args, node.body, environment);
      return silent((scope) => scope.set(node.name.value, macro(scope)));
    }
    case "CallStatement":
      return callBlock(node, environment);
    case "FilterStatement": {
      const body = compileBody(node.body, environment);
      const text = filtered((scope) => captured(body, new Scope(scope)), node.filter, environment);
      return written(text);
    }
    case "StringLiteral": {
      const { value } = node;
      return (_, output) => {
        output.add(value);
        return "next";
      };
    }
    default:
      return written(compile(node, environment));
  }
}

const written = (value: Evaluate): Execute => (scope, output) => {
  output.add(pieceOf(value(scope)));
  return "next";
};

const silent = (effect: (scope: Scope) => void): Execute => (scope) => {
  effect(scope);
  return "next";
};

/** Gives a value to a name, to a field of a namespace, or its items to several of them. */
function target(node: Node, environment: Environment): (scope: Scope, value: Value) => void {
  if (node.type === "Identifier") return (scope, value) => scope.set(node.value, value);
  if (node.type === "TupleLiteral") {
    const parts = node.value.map((part) => target(part, environment));
    return (scope, value) => {
      const items = listOf(value);
      if (items.length !== parts.length) throw unpacked(parts.length, items.length);
      parts.forEach((part, i) => part(scope, items[i]!));
    };
  }
  if (node.type !== "MemberExpression" || node.computed || node.property.type !== "Identifier") {
    throw new SyntaxError(`found ${node.type}, wanted a name to set`);
  }
  const of = compile(node.object, environment);
  const name = checkedName(node.property.value);
  return (scope, value) => {
    const namespace = of(scope);
    if (!(namespace instanceof Namespace)) {
      throw new TypeError("cannot assign attribute on non-namespace object");
    }
    namespace.fields.set(name, value);
  };
}

function unpacked(wanted: number, found: number): TypeError {
  return new TypeError(
    found > wanted
      ? `too many values to unpack (expected ${wanted})`
      : `not enough values to unpack (expected ${wanted}, got ${found})`,
  );
}

function assignment(node: SetNode, environment: Environment): Execute {
  if (node.value !== null) {
    const value = compile(node.value, environment);
    const assign = target(node.assignee, environment);
    return silent((scope) => assign(scope, value(scope)));
  }
  // A block may go through filters: {% set x | trim %}
  const filters: Named[] = [];
  let assignee = node.assignee;
  while (assignee.type === "FilterExpression") {
    filters.unshift(assignee.filter);
    assignee = assignee.operand;
  }
  const body = compileBody(node.body, environment);
  const text: Evaluate = (scope) => captured(body, new Scope(scope));
  const value = filters.reduce((of, filter) => filtered(of, filter, environment), text);
  const assign = target(assignee, environment);
  return silent((scope) => assign(scope, value(scope)));
}

function loop(node: For, environment: Environment): Execute {
  const isFiltered = node.iterable.type === "SelectExpression";
  const over = node.iterable.type === "SelectExpression" ? node.iterable.lhs : node.iterable;
  const items = compile(over, environment);
  const assign = target(node.loopvar, environment);
  const test = node.iterable.type === "SelectExpression"
    ? compile(node.iterable.test, environment)
    : null;
  const [body, otherwise] = [node.body, node.defaultBlock].map((one) =>
    compileBody(one, environment)
  );
  const isRecursive = over.type === "CallExpression" && over.callee.type === "Identifier" &&
    over.callee.value === RECURSIVE;

  function* kept(scope: Scope, value: Value): Iterable<Value> {
    for (const item of iterate(value)) {
      const turn = new Scope(scope);
      assign(turn, item);
      if (truth(test!(turn))) yield item;
    }
  }
  const run = (scope: Scope, output: TextBuilder, value: Value, depth: number): Signal => {
    const recurse = (inner: Value) => {
      const text = new TextBuilder();
      run(scope, text, inner, depth + 1);
      return text.build();
    };
    const from = isFiltered ? kept(scope, value) : iterate(value);
    const state = new LoopState(from, depth, isRecursive ? recurse : undefined);
    let isEmpty = true;
    for (let item = state.next(); item !== undefined; item = state.next()) {
      isEmpty = false;
      const turn = new Scope(scope);
      turn.set("loop", state.value);
      assign(turn, item);
      if (body!(turn, output) === "break") break;
    }
    return isEmpty ? otherwise!(scope, output) : "next";
  };
  return (scope, output) => run(scope, output, items(scope), 0);
}

function callBlock(node: CallBlock, environment: Environment): Execute {
  const { call: { callee, args }, callerArgs, body } = node;
  const { value: name } = callee as { readonly value: string };
  const inner = compileBody(body, environment);
  const given = compileArguments(args, environment);
  if (name === WITH) {
    return (scope, output) => {
      const within = new Scope(scope);
      for (const [name, value] of given(scope).named) within.set(name, value);
      return inner(within, output);
    };
  }
  if (name === GENERATION) {
    const marks = environment.generationMarks;
    if (!marks) throw new SyntaxError("Encountered unknown tag 'generation'.");
    return (scope, output) => {
      output.add(marks[0]);
      const signal = inner(new Scope(scope), output);
      output.add(marks[1]);
      return signal;
    };
  }
  const caller = macroOf("caller", callerArgs ?? [], body, environment);
  const callable = compile(callee, environment);
  return (scope, output) => {
    const { positional, named } = given(scope);
    const withCaller = new Map([...named, ["caller", caller(scope)]]);
    output.add(pieceOf(callValue(callable(scope), new Arguments(positional, withCaller))));
    return "next";
  };
}
