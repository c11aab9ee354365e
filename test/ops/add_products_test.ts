import assert from "node:assert/strict";
import { Graph } from "../../src/graph/graph.ts";
import { add, addProducts } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import { matmulTn } from "../../src/reference/matmul.ts";

for (const [T, M, N] of [[4, 4, 4], [36, 20, 12]] as const) {
  testOp({
    name: `addProducts [${T},${M}] [${T},${N}]`,
    given: {
      x: { shape: [T, M] },
      y: { shape: [T, N], scaled: false },
      before: { shape: [M, N] },
      zero: { shape: [M, N], data: new Float32Array(M * N) },
    },
    build: (graph, { x, y, before, zero }) => ({
      // What it writes over must be its own.
      sum: addProducts(graph, x!, y!, add(graph, before!, zero!)),
    }),
    twin({ x, y, before }) {
      const products = matmulTn(x!, y!, { M, N, K: T, SCALE: 1 });
      return { sum: before!.map((sum, i) => sum + products[i]!) };
    },
  });
}

Deno.test("addProducts() refuses sums of another shape", () => {
  const graph = new Graph();
  const [x, sum] = [graph.input("x", [8, 12], "f32"), graph.state("sum", [12, 8])];
  assert.throws(() => addProducts(graph, x, x, sum), /sum is \[12,8\] but .* \[12,12\]/);
});
