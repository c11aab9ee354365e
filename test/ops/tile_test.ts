/** The register tile of large results, with edges that it overlaps and an adapter. */
import assert from "node:assert/strict";
import { chooseTile } from "../../src/ops/tile.ts";
import { linear } from "../../src/ops/mod.ts";
import { matmul } from "../../src/ops/matmul.ts";
import { testOp } from "../harness.ts";
import { matmulNn, matmulTn } from "../../src/reference/matmul.ts";
import * as reference from "../../src/reference/linear.ts";

const [M, N, K, R] = [252, 260, 20, 8];

Deno.test("chooseTile() takes larger register tiles out of buffers, where there are many", () => {
  const product = { kernel: "linear", m: M, n: N, k: K, type: "f32", alongK: true };
  const adapter = {
    kernelSet: "register",
    matrixReads: "buffer",
    sharesLoads: false,
    tuned: () => undefined,
  } as const;
  const nameOf = (m: number, n: number, type: "f32" | "bf16" = "f32") =>
    chooseTile(adapter, { ...product, m, n, type }).name;
  assert.equal(nameOf(M, N), "tile_16x16");
  assert.equal(nameOf(M, N, "bf16"), "tile_16x16");
  assert.equal(nameOf(128, 128), "tile_8x16");
  assert.equal(nameOf(512, 8), "tile_8x8");
  assert.equal(chooseTile({ ...adapter, matrixReads: "texture" }, product).name, "tile_8x8");
});

Deno.test("chooseTile() takes the body whose lanes share loads where they can, for wide results", () => {
  const product = { kernel: "linear", m: M, n: N, k: K, type: "f32", alongK: true };
  const nameOf = (n: number, sharesLoads = true, tuned?: string) => {
    const adapter = { kernelSet: "register", matrixReads: "texture", sharesLoads } as const;
    return chooseTile({ ...adapter, tuned: () => tuned }, { ...product, n }).name;
  };
  assert.equal(nameOf(N), "tile_broadcast_16x8");
  assert.equal(nameOf(48), "tile_broadcast_16x8");
  assert.equal(nameOf(44), "tile_8x8");
  assert.equal(nameOf(N, true, "tile_8x16"), "tile_8x16");
  assert.equal(nameOf(N, false), "tile_8x8");
  assert.equal(nameOf(N, false, "tile_broadcast_16x8"), "tile_8x8", "found where lanes shared");
});

testOp({
  name: "products of many tiles",
  given: {
    x: { shape: [M, K] },
    w: { shape: [N, K], type: "bf16", layout: "blocks", scaled: false },
    a: { shape: [R, K] },
    b: { shape: [N, R], scaled: false },
    residual: { shape: [M, N] },
    right: { shape: [K, N], scaled: false },
    tall: { shape: [K, M] },
  },
  build: (graph, { x, w, a, b, residual, right, tall }) => ({
    y: linear(graph, x!, w!, { adapter: { a: a!, b: b!, scale: 1.5 }, residual }),
    nn: matmul(graph, "nn", x!, right!),
    tn: matmul(graph, "tn", tall!, right!),
  }),
  twin: ({ x, w, a, b, residual, right, tall }) => ({
    y: reference.linear(x!, w!, a, b, residual, { M, N, K, R, scale: 1.5 }),
    nn: matmulNn(x!, right!, { M, N, K, SCALE: 1 }),
    tn: matmulTn(tall!, right!, { M, N, K, SCALE: 1 }),
  }),
});
