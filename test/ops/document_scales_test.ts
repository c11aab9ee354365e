import assert from "node:assert/strict";
import { Graph } from "../../src/graph/graph.ts";
import { documentScales } from "../../src/ops/mod.ts";
import { noise, testOp } from "../harness.ts";
import { documentScales as twin } from "../../src/reference/document_scales.ts";

/** Documents of these lengths, and then rows of their own that do not count. */
function documents(lengths: readonly number[], T: number) {
  const start = Array.from({ length: T }, (_, t) => t);
  const end = start.map((t) => t + 1);
  let from = 0;
  for (const length of lengths) {
    start.fill(from, from, from + length);
    from += length;
    end.fill(from, from - length, from);
  }
  return { start, end, counted: start.map((_, t) => t < from ? 1 : 0) };
}

for (const [T, D, lengths] of [[1, 4, [1]], [37, 36, [17, 9]], [8, 68, [3, 1, 4]]] as const) {
  const { start, end, counted } = documents(lengths, T);
  const places = { start: Uint32Array.from(start), end: Uint32Array.from(end) };
  // Below zero throughout the second document, whose largest number is its smallest one.
  const x = noise(T * D, 5).map((value, i) => {
    const isSecond = start[Math.floor(i / D)] === lengths[0];
    return isSecond ? -1 - Math.abs(value) : value;
  });
  testOp({
    name: `documentScales [${T},${D}]`,
    given: {
      x: { shape: [T, D], data: x },
      counted: { shape: [T], data: counted, scaled: false },
      start: { shape: [T], type: "u32", data: start },
      end: { shape: [T], type: "u32", data: end },
    },
    build: (graph, { x, counted, start, end }) => ({
      by: documentScales(graph, x!, counted!, { start: start!, end: end! }),
    }),
    twin: ({ x, counted }) => ({ by: twin(x!, counted!, places) }),
  });
}

Deno.test("documentScales() refuses another number of rows", () => {
  const graph = new Graph();
  const x = graph.input("x", [8, 12], "f32");
  const rows = (name: string, length: number) => graph.input(name, [length]);
  assert.throws(
    () => documentScales(graph, x, rows("c", 8), { start: rows("s", 8), end: rows("e", 12) }),
    /counts \[8\] and documents \[8\] to \[12\] beside \[8,12\]/,
  );
});
