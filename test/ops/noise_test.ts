import assert from "node:assert/strict";
import { noise } from "../../src/ops/noise.ts";
import { DRAW, scale } from "../../src/ops/mod.ts";
import * as reference from "../../src/reference/noise.ts";
import { testOp } from "../harness.ts";

const [T, D, alpha, seed] = [9, 20, 5, 0x9747b28c];
const draw = 0xfffffff1;
/** Documents of four tokens and of three, and two rows of padding. */
const start = [0, 0, 0, 0, 4, 4, 4, 7, 8];
const end = [4, 4, 4, 4, 7, 7, 7, 8, 9];
const lengths = start.map((from, t) => end[t]! - from);
const rows = (data: number[]) => ({ shape: [T], type: "u32" as const, data });

testOp({
  name: "noise() on documents of several lengths, and its gradient",
  given: {
    x: { shape: [T, D], scaled: false },
    start: rows(start),
    end: rows(end),
    [DRAW]: { shape: [1], type: "u32", data: [draw] },
  },
  build: (graph, { x, start, end }) => ({
    y: scale(graph, noise(graph, x!, { start: start!, end: end! }, { alpha, seed }), 2),
  }),
  twin: ({ x }) => ({
    y: reference.noise(x!, lengths, { D, alpha, seed, draw }).map((y) => 2 * y),
  }),
  gradient: { of: "y", by: ["x"] },
}, ["register", "shared"]);

Deno.test("the twin's noise has the size and the moments of a uniform one", () => {
  const [L, D] = [16, 64];
  const size = 5 / Math.sqrt(L * D);
  const drawn = [0, 1, 2, 3].flatMap((draw) => [
    ...reference.noise(new Float64Array(L * D), new Array(L).fill(L), { D, alpha: 5, seed, draw }),
  ]);
  const mean = (of: (x: number) => number) =>
    drawn.reduce((sum, x) => sum + of(x), 0) / drawn.length;
  assert.ok(drawn.every((x) => Math.abs(x) <= size));
  assert.ok(Math.max(...drawn) > 0.99 * size && Math.min(...drawn) < -0.99 * size);
  assert.ok(Math.abs(mean((x) => x)) < 4 * size / Math.sqrt(3 * drawn.length));
  assert.ok(Math.abs(mean((x) => x * x) / (size * size / 3) - 1) < 0.05);
});
