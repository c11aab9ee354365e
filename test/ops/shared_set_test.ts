/** The kernels in workgroup memory, for real GPUs: every body, every row kernel, folded grids. */
import assert from "node:assert/strict";
import type { KernelSet, Product } from "../../src/gpu/device.ts";
import type { Call, Launch, Op, Target } from "../../src/graph/graph.ts";
import { LINEAR, LINEAR_BACKWARD } from "../../src/ops/linear.ts";
import { MATMUL } from "../../src/ops/matmul.ts";
import { add, linearCrossEntropy, sum, sumSquares, supervisedCapacity } from "../../src/ops/mod.ts";
import { RMS_NORM, RMS_NORM_BACKWARD } from "../../src/ops/rms_norm.ts";
import {
  chooseTile,
  SHARED,
  sharedClass,
  type Tile,
  TILES as TILE_BY_NAME,
} from "../../src/ops/tile.ts";
import { engine, type OpCase, testOp } from "../harness.ts";
import { crossEntropy } from "../../src/reference/cross_entropy.ts";
import { matmulNn, matmulNt, matmulTn } from "../../src/reference/matmul.ts";
import * as rms from "../../src/reference/rms_norm.ts";
import { sumSquares as sumSquaresTwin } from "../../src/reference/sum_squares.ts";
import { total } from "../../src/reference/total.ts";

/** Each body once, with the class that it was first found in. */
const TILES = [
  ...new Map(
    Object.values(SHARED).flat().map((tile: Tile) =>
      [`${tile.text.name} ${JSON.stringify(tile.constants)}`, tile] as const
    ),
  ),
];

/** The op with its launches changed. */
function changed<O extends Op>(
  op: O,
  change: (launch: Launch) => Launch,
  kernelSet: KernelSet = "shared",
): O {
  const launches = (call: Call, target: Target) =>
    op.launches(call, { ...target, kernelSet }).map(change);
  return { ...op, launches };
}

/** A grid of three columns, as one beyond 65,535 workgroups is folded. */
const folded = (count: number): [number, number] => [3, Math.ceil(count / 3)];

/** The product with another body, on a folded grid. */
function withTile<O extends Op>(op: O, tile: Tile): O {
  return changed(op, ({ kernel, constants, ...launch }) => ({
    ...launch,
    kernel: {
      ...kernel,
      imports: { ...kernel.imports, ...tile.imports, tile: tile.text },
      aliases: tile.aliases,
    },
    constants: { ...constants, ...tile.constants },
    groups: folded(tile.groups(Number(constants.M), Number(constants.N))[0]),
  }), "register");
}

const plus = (...terms: Float64Array[]) =>
  terms[0]!.map((_, i) => terms.reduce((total, term) => total + term[i]!, 0));

/** All products of a linear layer and its adapter; no size is a multiple of a tile's. */
function tileCase(name: string, tile: Tile): OpCase {
  const [M, N, K, R] = [140, 76, 52, 20]; // rows, outputs, inputs, rank
  return {
    name: `products with ${name}`,
    given: {
      x: { shape: [M, K] },
      w: { shape: [N, K], type: "bf16", layout: "blocks", scaled: false },
      a: { shape: [R, K], scaled: false },
      b: { shape: [N, R], scaled: false },
      u: { shape: [M, R] },
      residual: { shape: [M, N] },
      dy: { shape: [M, N] },
      v: { shape: [M, R] },
    },
    build(graph, { x, w, a, b, u, residual, dy, v }) {
      const forward = { x: x!, w: w!, a, b, u, residual };
      const backward = { dy: dy!, w: w!, v, a, before: undefined };
      const gradient = { a: dy!, b: x!, before: undefined };
      const { y } = graph.call(withTile(LINEAR, tile), forward, { y: { shape: [M, N] } }, {
        scale: 1,
      });
      const { dx } = graph.call(withTile(LINEAR_BACKWARD, tile), backward, {
        dx: { shape: [M, K] },
      }, {});
      const { c } = graph.call(withTile(MATMUL, tile), gradient, {
        c: { shape: [N, K], layout: "blocks" },
      }, { kind: "tn", scale: 0.5 });
      return { y, dx, dw: c };
    },
    twin: ({ x, w, a, b, u, residual, dy, v }) => ({
      y: plus(
        matmulNt(x!, w!, { M, N, K, SCALE: 1 }),
        matmulNt(u!, b!, { M, N, K: R, SCALE: 1 }),
        residual!,
      ),
      dx: plus(
        matmulNn(dy!, w!, { M, N: K, K: N, SCALE: 1 }),
        matmulNn(v!, a!, { M, N: K, K: R, SCALE: 1 }),
      ),
      dw: matmulTn(dy!, x!, { M: N, N: K, K: M, SCALE: 0.5 }),
    }),
  };
}

for (const [name, tile] of TILES) testOp(tileCase(name, tile), ["shared"]);

/** Of the other set: the body that is tried before it is used. */
const BROADCAST = TILE_BY_NAME.register.get("tile_broadcast_16x8")!;
if ((await engine("register")).device.sharesLoads) testOp(tileCase(BROADCAST.name, BROADCAST));

Deno.test("bodies keep to the 256 invocations and 16 KiB that every adapter has", () => {
  for (const [name, { constants }] of TILES) { // Deno does not check sizes that depend on constants
    const { WX = 0, WY = 0, BK = 0, LANES = 0, TEAMS = 1 } = constants as Record<string, number>;
    const blocks = name.includes("8x8") ? 2 * (WX + WY) : WX + WY;
    const vectors = TEAMS * (BK > 0 ? BK * blocks : 8 * (LANES + 1));
    assert.ok(vectors > 0 && 16 * vectors <= 16_384, `${name}: ${16 * vectors} bytes`);
    assert.ok((WX * WY + LANES) * TEAMS <= 256, name);
  }
});

Deno.test("sharedClass() puts products where they belong", () => {
  const product = (m: number, n: number, alongK = true): Product => ({
    kernel: "linear",
    m,
    n,
    k: 64,
    type: "f32",
    alongK,
  });
  assert.equal(sharedClass(product(4, 4096)), "lanes"); // a generated token
  assert.equal(sharedClass(product(2048, 16)), "lanes"); // x a^T
  assert.equal(sharedClass(product(16, 4096, false)), "wide"); // da
  assert.equal(sharedClass(product(4096, 16, false)), "tall"); // db
  assert.equal(sharedClass(product(512, 384)), "small");
  assert.equal(sharedClass(product(512, 576)), "middle");
  assert.equal(sharedClass({ ...product(128, 576), splits: 16 }), "large");
  assert.equal(sharedClass(product(2048, 2048)), "large");
});

Deno.test("chooseTile() takes bodies of the adapter's set, and of those the one that was measured", () => {
  const sizes = { m: 512, n: 384, k: 64 };
  const product: Product = { kernel: "linear", ...sizes, type: "f32", alongK: true };
  const choose = (kernelSet: KernelSet, tuned?: string) =>
    chooseTile(
      { kernelSet, matrixReads: "buffer", sharesLoads: false, tuned: () => tuned },
      product,
    ).name;
  assert.equal(choose("shared"), SHARED.small[0].name);
  assert.equal(choose("shared", "tile_shared_8x8 16 16 16"), "tile_shared_8x8 16 16 16");
  assert.equal(choose("register"), "tile_16x16");
  assert.equal(choose("register", "tile_8x8"), "tile_8x8");
  assert.equal(choose("register", "tile_shared_8x8 16 16 16"), "tile_16x16"); // of another set
});

/** Rows of `D` numbers, forward and backward, the latter on top of `before`, on folded grids. */
function rmsNormCase(T: number, D: number): OpCase {
  const [EPS, UNIT] = [1e-5, 1];
  const fold = (launch: Launch): Launch => ({ ...launch, groups: folded(launch.groups[0]) });
  const rows = { shape: [T, D] };
  return {
    name: `RMS_NORM and RMS_NORM_BACKWARD of ${T} rows of ${D}`,
    given: { x: rows, weight: { shape: [D], scaled: false }, dy: rows, before: rows },
    build(graph, { x, weight, dy, before }) {
      const { y, rstd } = graph.call(changed(RMS_NORM, fold), { x: x!, weight: weight! }, {
        y: rows,
        rstd: { shape: [T] },
      }, { eps: EPS, unit: UNIT });
      const ins = { x: x!, weight: weight!, rstd, dy: dy!, before: add(graph, before!, before!) };
      const { dx } = graph.call(changed(RMS_NORM_BACKWARD, fold), ins, { dx: rows }, {
        unit: UNIT,
      });
      return { y, dx };
    },
    twin({ x, weight, dy, before }) {
      const { y, rstd } = rms.rmsNorm(x!, weight!, { T, D, EPS, UNIT });
      const sizes = { T, D, UNIT, ADD: true };
      const twice = before!.map((d) => 2 * d); // the op may take it over: it is no input
      return { y, dx: rms.rmsNormBackward(x!, weight!, rstd, dy!, twice, sizes) };
    },
  };
}

testOp(rmsNormCase(10, 20), ["shared"]); // fewer fours than lanes
testOp(rmsNormCase(7, 1228), ["shared"]); // more than 256

/** The loss of `T` rows, last row first, over a vocabulary of `V`, and both gradients. */
function crossEntropyCase({ T, V, D }: { T: number; V: number; D: number }): OpCase {
  const S = supervisedCapacity(T);
  const padded = (padding: number, of: (t: number) => number) => ({
    shape: [S],
    data: Array.from({ length: S }, (_, t) => t < T ? of(t) : padding),
  });
  return {
    name: `linearCrossEntropy() of ${T} rows, ${V}x${D}`,
    given: {
      x: { shape: [T, D] },
      w: { shape: [V, D], layout: "blocks", scaled: false },
      rows: { ...padded(0xffffffff, (t) => T - 1 - t), type: "u32" },
      label: { ...padded(0, (t) => (t + 1) * (V - 1) % V), type: "u32" },
      weight: { ...padded(0, (t) => (1 + t % 3) / T), scaled: false },
    },
    build(graph, { x, w, rows, label, weight }) {
      Object.assign(x!, { needs: true });
      Object.assign(w!, { needs: true });
      const supervision = { rows: rows!, label: label!, weight: weight! };
      const loss = linearCrossEntropy(graph, x!, w!, supervision);
      const { dx, dw } = graph.calls.at(-1)!.outs;
      return { loss, dx: dx!, dw: dw! };
    },
    twin({ x, w, label, weight }) {
      const hidden = Float64Array.from({ length: S * D }, (_, i) => {
        const t = T - 1 - Math.floor(i / D);
        return t < 0 ? 0 : x![t * D + i % D]!;
      });
      const logits = matmulNt(hidden, w!, { M: S, N: V, K: D, SCALE: 1 });
      const labels = Uint32Array.from(label!);
      const sizes = { N: S, V, STRIDE: V };
      const { loss, dlogits } = crossEntropy(logits, labels, weight!, sizes);
      const dhidden = matmulNn(dlogits, w!, { M: S, N: D, K: V, SCALE: 1 });
      return {
        loss,
        dx: Float64Array.from(x!, (_, i) => dhidden[(T - 1 - Math.floor(i / D)) * D + i % D]!),
        dw: matmulTn(dlogits, hidden, { M: V, N: D, K: S, SCALE: 1 }),
      };
    },
  };
}

testOp(crossEntropyCase({ T: 5, V: 41, D: 8 }), ["shared"]); // ranges shorter than a workgroup
testOp(crossEntropyCase({ T: 130, V: 4099, D: 4 }), ["shared"]); // longer, and two chunks
testOp(crossEntropyCase({ T: 9, V: 261, D: 72 }), ["shared"]); // a gradient summed in 16 parts

testOp({
  name: "sumSquares() of 600,004, which is more than one number a lane",
  given: { x: { shape: [600_004] } },
  build: (graph, { x }) => ({ sum: sumSquares(graph, x!) }),
  twin: ({ x }) => ({ sum: sumSquaresTwin(x!, { N: 600_004, PARTS: 1 }) }),
}, ["shared"]);

testOp({
  name: "sum() of 4999",
  given: { x: { shape: [4999] } },
  build: (graph, { x }) => ({ sum: sum(graph, x!) }),
  twin: ({ x }) => ({ sum: Float64Array.of(total(x!)) }),
}, ["shared"]);
