import assert from "node:assert/strict";
import { Graph } from "../../src/graph/graph.ts";
import { join, scale } from "../../src/ops/mod.ts";
import { joined } from "../../src/reference/columns.ts";
import { testOp } from "../harness.ts";

testOp({
  name: "join() side by side, and its gradients",
  given: { a: { shape: [20, 12] }, b: { shape: [20, 4] }, c: { shape: [20, 8] } },
  build: (graph, { a, b, c }) => ({ y: join(graph, [a!, b!, scale(graph, c!, -2)], "columns") }),
  twin: ({ a, b, c }) => ({
    y: joined([{ x: a!, width: 12 }, { x: b!, width: 4 }, { x: c!.map((x) => -2 * x), width: 8 }]),
  }),
  gradient: { of: "y", by: ["a", "c"] },
});

testOp({
  name: "join() below each other, and its gradients",
  given: { a: { shape: [4, 20] }, b: { shape: [12, 20] } },
  build: (graph, { a, b }) => ({ y: join(graph, [a!, scale(graph, b!, -2)], "rows") }),
  twin: ({ a, b }) => ({ y: Float64Array.of(...a!, ...b!.map((x) => -2 * x)) }),
  gradient: { of: "y", by: ["a", "b"] },
});

Deno.test("join() refuses parts that do not fit", () => {
  const graph = new Graph();
  const part = (shape: number[]) => graph.param(String(shape), shape, "rows");
  const [small, wide, odd] = [part([4, 8]), part([8, 12]), part([6, 8])];
  assert.throws(() => join(graph, [small, wide], "rows"), /Cannot join \[8,12\] to \[4,8\]/);
  assert.throws(() => join(graph, [small, odd], "rows"), /rows of 6,8 = 6, wanted a multiple of 4/);
});
