import assert from "node:assert/strict";
import { Graph } from "../../src/graph/graph.ts";
import { add } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import * as reference from "../../src/reference/add.ts";

testOp({
  name: "add()",
  given: { a: { shape: [37, 36] }, b: { shape: [37, 36] } },
  build: (graph, { a, b }) => ({ y: add(graph, a!, b!) }),
  twin: ({ a, b }) => ({ y: reference.add(a!, b!) }),
  gradient: { of: "y", by: ["a", "b"] },
});

Deno.test("add() refuses two shapes", () => {
  const graph = new Graph();
  const [a, b] = [graph.input("a", [4, 8]), graph.input("b", [8, 4])];
  assert.throws(() => add(graph, a, b), new RangeError("Cannot add [4,8] and [8,4]"));
});
