import assert from "node:assert/strict";
import { Graph } from "../../src/graph/graph.ts";
import { scaleRows } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import { scaleRows as twin } from "../../src/reference/scale_rows.ts";

for (const [T, D] of [[1, 4], [37, 36], [8, 68]] as const) {
  testOp({
    name: `scaleRows [${T},${D}]`,
    given: { x: { shape: [T, D] }, by: { shape: [T], scaled: false } },
    build: (graph, { x, by }) => ({ y: scaleRows(graph, x!, by!) }),
    twin: ({ x, by }) => ({ y: twin(x!, by!) }),
  });
}

Deno.test("scaleRows() refuses another number of rows", () => {
  const graph = new Graph();
  const [x, by] = [graph.input("x", [8, 12], "f32"), graph.input("by", [12], "f32")];
  assert.throws(() => scaleRows(graph, x, by), /scale the rows of \[8,12\] by \[12\]/);
});
