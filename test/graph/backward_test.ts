import assert from "node:assert/strict";
import { type Call, Graph, type Op, type Value } from "../../src/graph/graph.ts";
import {
  activate,
  add,
  attention,
  differentiate,
  embed,
  linear,
  linearCrossEntropy,
  rmsNorm,
  rope,
  supervisedCapacity,
} from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import { crossEntropy } from "../../src/reference/cross_entropy.ts";
import { activate as activateTwin } from "../../src/reference/activate.ts";
import { matmulNt } from "../../src/reference/matmul.ts";
import { buildNet } from "./net.ts";

testOp({
  name: "a value used three times",
  given: {
    x: { shape: [8, 8] },
    v: { shape: [8, 8], layout: "blocks", scaled: false },
    w: { shape: [8, 8], layout: "blocks", scaled: false },
  },
  build(graph, { x, v, w }) {
    const y = linear(graph, x!, v!, { residual: activate(graph, x!, "gelu") });
    return { y: linear(graph, x!, w!, { residual: y }) };
  },
  twin({ x, v, w }) {
    const sizes = { M: 8, N: 8, K: 8, SCALE: 1 };
    const parts = [activateTwin(x!), matmulNt(x!, v!, sizes), matmulNt(x!, w!, sizes)];
    return { y: x!.map((_, i) => parts.reduce((sum, part) => sum + part[i]!, 0)) };
  },
  gradient: { of: "y", by: ["x", "v", "w"] },
});

testOp({
  name: "a weight used twice",
  given: { x: { shape: [8, 12] }, w: { shape: [12, 12], layout: "blocks", scaled: false } },
  build: (graph, { x, w }) => ({ y: linear(graph, linear(graph, x!, w!), w!) }),
  twin({ x, w }) {
    const sizes = { M: 8, N: 12, K: 12, SCALE: 1 };
    return { y: matmulNt(matmulNt(x!, w!, sizes), w!, sizes) };
  },
  gradient: { of: "y", by: ["x", "w"] },
});

const token = [3, 1, 0, 3, 6, 2, 3, 4];
const label = [1, 0, 3, 6, 2, 3, 4, 5];
const [T, V, D, S] = [8, 7, 8, supervisedCapacity(8)];
const padded = (numbers: number[], padding: number) =>
  Array.from({ length: S }, (_, s) => numbers[s] ?? padding);

testOp({
  name: "a table tied to the head",
  given: {
    table: { shape: [V, D], layout: "blocks" },
    token: { shape: [T], type: "u32", data: token },
    order: { shape: [T], type: "u32", data: [2, 1, 5, 0, 3, 6, 7, 4] },
    first: { shape: [V + 1], type: "u32", data: [0, 1, 2, 3, 6, 7, 7, 8] },
    rows: { shape: [S], type: "u32", data: padded([0, 1, 2, 3, 4, 5, 6, 7], 0xffffffff) },
    label: { shape: [S], type: "u32", data: padded(label, 0) },
    weight: { shape: [S], scaled: false, data: padded(label.map(() => 1 / T), 0) },
  },
  build(graph, { table, token, order, first, rows, label, weight }) {
    const x = embed(graph, token!, table!, { sorted: { order: order!, first: first! } });
    const supervision = { rows: rows!, label: label!, weight: weight! };
    return { loss: linearCrossEntropy(graph, x, table!, supervision) };
  },
  twin({ table, weight }) {
    const x = Float64Array.from(token.flatMap((id) => [...table!.subarray(id * D, (id + 1) * D)]));
    const logits = matmulNt(x, table!, { M: T, N: V, K: D, SCALE: 1 });
    const sizes = { N: T, V, STRIDE: V };
    const { loss } = crossEntropy(logits, Uint32Array.from(label), weight!, sizes);
    return { loss: Float64Array.from(padded([...loss], 0)) };
  },
  gradient: { of: "loss", by: ["table"], loss: true },
});

const outsOf = (call: Call): Value[] => Object.values(call.outs);
const paramsOf = (graph: Graph) => graph.values.filter(({ kind }) => kind === "param");

Deno.test("no gradient of a frozen weight is made, and every param has one of its shape", () => {
  const graph = buildNet();
  const frozen = graph.values.filter(({ kind }) => kind === "weight");
  const shapes = new Set(frozen.map(({ shape }) => String(shape)));
  const trained = new Set(paramsOf(graph).map(({ shape }) => String(shape)));
  const gradients = graph.calls.filter(({ backward }) => backward)
    .flatMap(outsOf).filter(({ shape }) => shapes.has(String(shape)));
  // [16, 16] is the shape of w and of x: only blocks can be the gradient of a product's weight.
  assert.deepEqual(gradients.filter(({ layout }) => layout === "blocks"), []);
  assert.ok(!graph.calls.some(({ op }) => op.name === "rms_norm_weight_backward"));
  assert.ok(trained.size > 0);
  for (const param of paramsOf(graph)) {
    const gradient = graph.gradients.get(param)!;
    assert.deepEqual([gradient.shape, gradient.kind], [param.shape, "gradient"]);
  }
});

Deno.test("backward stops at the first call that needs a gradient", () => {
  const graph = buildNet({ firstTrained: 2 });
  const names = paramsOf(graph).map(({ name }) => name.split(".")[0]);
  assert.deepEqual([...new Set(names)], ["2"]);
  const count = (op: string) => graph.calls.filter((call) => call.op.name === op).length;
  assert.equal(count("attention"), 3);
  assert.equal(count("attention_backward"), 1);
  // o, gate, up and down of block 2; q, k and v end at its first norm, whose input needs nothing.
  assert.equal(count("linear_backward"), 4);
  assert.equal(count("rms_norm_backward"), 2);
});

/** A loss whose gradient by y is dy. */
const LOSS: Op<{ y: Value; dy: Value }, { loss: Value }> = {
  name: "loss",
  launches: () => [],
  backward: (_graph, { ins: { y, dy } }, gradients) => gradients.add(y, dy),
};

function lossOf(graph: Graph, y: Value): Value {
  const ins = { y, dy: graph.input("dy", y.shape, "f32") };
  return graph.call(LOSS, ins, { loss: { shape: [1] } }, {}).loss;
}

/** Names of the ops that backward adds for a loss over y. */
function addedFor(graph: Graph, y: Value): string[] {
  differentiate(graph, lossOf(graph, y));
  return graph.calls.filter(({ backward }) => backward).map(({ op }) => op.name);
}

Deno.test("backward passes inputs by that need no gradient", () => {
  const graph = new Graph();
  const x = graph.input("x", [8, 8], "f32");
  const docs = { start: graph.input("start", [8]), end: graph.input("end", [8]) };
  const q = linear(graph, x, graph.param("w", [8, 8], "blocks"));
  const k = rope(
    graph,
    activate(graph, x, "gelu"),
    docs.start,
    graph.input("angles", [8, 8], "f32"),
    8,
  );
  const heads = { heads: 1, groups: 1, headDim: 8, scale: 1 };
  const y = attention(graph, q, k, activate(graph, x, "gelu"), docs, heads);
  assert.deepEqual(addedFor(graph, y), ["attention_backward", "matmul"]);

  const normed = new Graph();
  const weight = normed.param("weight", [8], "rows");
  const z = rmsNorm(normed, normed.input("x", [8, 8], "f32"), weight, 1e-5);
  assert.deepEqual(addedFor(normed, z), ["rms_norm_weight_backward"]);
});

Deno.test("backward of recomputed blocks reads only what lies between them", () => {
  const graph = buildNet({ recompute: true });
  const made = new Set(graph.calls.filter(({ backward }) => !backward).flatMap(outsOf));
  const reads = graph.calls.filter(({ backward }) => backward)
    .flatMap(({ ins }) => Object.values(ins) as (Value | undefined)[]);
  const kept = new Set(reads.filter((value) => value !== undefined && made.has(value)));
  const blockOf = (value: Value) => graph.calls.find((call) => outsOf(call).includes(value))!.block;
  // What each block made last; above the blocks, rstd of the final norm and dx of the loss.
  assert.deepEqual([...kept].map((value) => blockOf(value!)).sort(), [0, 1, 2, null, null]);
});

Deno.test("a loss that does not reach a param, or passes an op without backward, throws", () => {
  const graph = new Graph();
  const x = graph.input("x", [4, 4], "f32");
  const used = graph.param("used", [4, 4], "blocks");
  graph.param("unused", [4, 4], "blocks");
  const loss = lossOf(graph, linear(graph, x, used));
  assert.throws(
    () => differentiate(graph, loss),
    new RangeError("The loss does not depend on unused"),
  );
  const blind = new Graph();
  const w = blind.param("w", [4, 4], "blocks");
  const y = linear(blind, blind.input("x", [4, 4], "f32"), w);
  const out = blind.call({ name: "blind", launches: () => [] }, { y }, { z: { shape: [4] } }, {});
  assert.throws(() => differentiate(blind, out.z), new RangeError("blind has no backward"));
});

Deno.test("two params with one gradient between them throw", () => {
  const graph = new Graph();
  const sum = add(graph, graph.param("a", [4, 4], "rows"), graph.param("b", [4, 4], "rows"));
  assert.throws(
    () => differentiate(graph, lossOf(graph, sum)),
    new RangeError("b and a share one gradient"),
  );
});

Deno.test("values made by backward need no gradient, and know that they were", () => {
  const graph = new Graph();
  const x = graph.param("x", [4, 16], "rows");
  const tables = [graph.input("position", [4]), graph.input("angles", [8, 8], "f32")] as const;
  const y = rope(graph, activate(graph, x, "gelu"), ...tables, 8);
  differentiate(graph, lossOf(graph, y));
  const made = graph.calls.filter(({ backward }) => backward);
  assert.ok(made.length > 0 && made.flatMap(outsOf).every(({ needs }) => !needs));
  assert.equal(graph.inBackward, false);
});
