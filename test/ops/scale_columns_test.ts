import assert from "node:assert/strict";
import { Graph } from "../../src/graph/graph.ts";
import { scaleColumns } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import * as reference from "../../src/reference/scale_columns.ts";

testOp({
  name: "scaleColumns()",
  given: { z: { shape: [37, 12] }, s: { shape: [12], scaled: false } },
  build: (graph, { z, s }) => ({ y: scaleColumns(graph, z!, s!) }),
  twin: ({ z, s }) => ({ y: reference.scaleColumns(z!, s!) }),
  gradient: { of: "y", by: ["z", "s"] },
});

// More rows than there are parts of the gradient.
testOp({
  name: "scaleColumns() on top of a residual stream",
  given: {
    z: { shape: [70, 20] },
    s: { shape: [20], scaled: false },
    residual: { shape: [70, 20] },
  },
  build: (graph, { z, s, residual }) => ({ y: scaleColumns(graph, z!, s!, residual) }),
  twin: ({ z, s, residual }) => ({ y: reference.scaleColumns(z!, s!, residual) }),
  gradient: { of: "y", by: ["z", "s", "residual"] },
});

testOp({
  name: "scaleColumns() of a vector",
  given: { z: { shape: [20] }, s: { shape: [20], scaled: false } },
  build: (graph, { z, s }) => ({ y: scaleColumns(graph, z!, s!) }),
  twin: ({ z, s }) => ({ y: reference.scaleColumns(z!, s!) }),
  gradient: { of: "y", by: ["z", "s"] },
});

Deno.test("scaleColumns() refuses other widths", () => {
  const graph = new Graph();
  const [z, s] = [graph.input("z", [8, 12], "f32"), graph.input("s", [8], "f32")];
  assert.throws(() => scaleColumns(graph, z, s), /scale the columns of \[8,12\] by \[8\]/);
});
