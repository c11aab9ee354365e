import assert from "node:assert/strict";
import { readFloats } from "../../src/gpu/buffer.ts";
import { compile, type Engine, targetOf } from "../../src/graph/compile.ts";
import { Graph, type Op, type Value } from "../../src/graph/graph.ts";
import { footprint } from "../../src/graph/footprint.ts";
import { Resources } from "../../src/graph/resources.ts";
import { accumulate, add } from "../../src/ops/mod.ts";
import { assertClose, engine, narrow, noise } from "../harness.ts";
import { buildNet, data, type NetOptions, storeFor } from "./net.ts";

/** Loss and gradients of one replay of the small net, and the bytes of its temporary values. */
async function runNet(options: NetOptions, guarded = false) {
  const graph = buildNet(options);
  const own = storeFor(await engine(), graph);
  const compiled = await compile(own, graph, { guarded });
  for (const [name, numbers] of Object.entries(data())) compiled.write(name, numbers);
  const lossNow = async () => {
    compiled.program.replay();
    const losses = await readFloats(own.device, compiled.output("loss"));
    return losses.reduce((sum, loss) => sum + loss, 0);
  };
  const loss = await lossNow();
  const gradients = await readFloats(own.device, own.store.flat("gradients"));
  const { temporary } = footprint(graph, targetOf(own.device), compiled.plan);
  return { own, compiled, graph, loss, lossNow, gradients, temporary };
}

Deno.test("a net's gradient is the slope of its loss", async () => {
  const { own, compiled, lossNow, gradients } = await runNet({});
  let slope = 0;
  const [step, names] = [2e-3, own.store.paramNames];
  const start = new Map<string, Float32Array>();
  for (const name of names) start.set(name, await own.store.readParam(name));
  const move = (factor: number) => {
    for (const [i, name] of names.entries()) {
      const way = noise(start.get(name)!.length, 500 + i);
      own.store.writeParam(name, start.get(name)!.map((p, j) => p + factor * way[j]!));
    }
  };
  for (const [i, name] of names.entries()) {
    const { offset, size } = own.store.param(name);
    const gradient = gradients.subarray(offset / 4, (offset + size) / 4);
    const way = noise(gradient.length, 500 + i);
    slope += gradient.reduce((sum, g, j) => sum + g * way[j]!, 0);
  }
  move(step);
  const above = await lossNow();
  move(-step);
  const below = await lossNow();
  // The f32 losses and the curvature leave 5e-4; the ops themselves are held to far less.
  assertClose([(above - below) / (2 * step)], [slope], 1e-3, "slope");
  compiled.destroy();
  own.store.destroy();
});

Deno.test("recomputed blocks give the same bits from fewer bytes", async () => {
  const kept = await runNet({ recompute: false });
  const again = await runNet({ recompute: true });
  assert.equal(again.loss, kept.loss);
  assertClose(again.gradients, kept.gradients, 0, "gradients");
  assert.ok(kept.gradients.some((g) => g !== 0));
  assert.ok(again.temporary < kept.temporary, `${again.temporary} and ${kept.temporary}`);
  const attentions = (graph: Graph) =>
    graph.calls.filter(({ op }) => op.name === "attention").length;
  assert.deepEqual([attentions(kept.graph), attentions(again.graph)], [3, 6]);
});

Deno.test("a guarded net has no stray writes, and the same bits as one with shared slots", async () => {
  const shared = await runNet({});
  const guarded = await runNet({}, true);
  assert.deepEqual(await guarded.compiled.strayWrites(), []);
  assertClose(guarded.gradients, shared.gradients, 0, "gradients");
  assert.ok(guarded.temporary > shared.temporary);
});

/** Writes one number more than y holds. */
const STRAY: Op<{ x: Value }, { beyond: Value }> = {
  name: "stray",
  launches: ({ ins: { x }, outs: { beyond } }) => [{
    kernel: {
      name: "stray",
      text: `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) id: vec3u) { y[id.x] = x[0]; }`,
    },
    constants: {},
    bind: [x, beyond],
    groups: [beyond.shape[0]! + 1],
  }],
};

Deno.test("a guarded program names the value that a kernel writes beyond", async () => {
  const shared = await engine();
  const graph = new Graph();
  const x = graph.input("x", [12], "f32");
  const fine = add(graph, x, x);
  graph.output("y", graph.call(STRAY, { x: fine }, { beyond: { shape: [12] } }, {}).beyond);
  const compiled = await compile(shared, graph, { guarded: true });
  assert.deepEqual(await compiled.strayWrites(), []);
  compiled.program.replay();
  assert.deepEqual(await compiled.strayWrites(), ["beyond [12]"]);
  compiled.destroy();
});

/** Adds x to a running total. */
function totalGraph(): Graph {
  const graph = new Graph();
  const state = graph.state("total", [4]);
  const first = graph.input("first", [1]);
  graph.output("now", accumulate(graph, graph.input("x", [4], "f32"), state, first));
  return graph;
}

async function compileTotal(shared: Engine, resources?: Resources) {
  const compiled = await compile(shared, totalGraph(), { resources });
  compiled.write("x", Float32Array.of(1, 2, 3, 4));
  return compiled;
}

Deno.test("a state outlives a replay and is shared by programs with one owner", async () => {
  const shared = await engine();
  using resources = new Resources(shared.device);
  const [a, b] = [await compileTotal(shared, resources), await compileTotal(shared, resources)];
  const alone = await compileTotal(shared);
  for (const { program } of [a, a, b, alone]) program.replay();
  assert.deepEqual([...await readFloats(shared.device, b.output("now"))], [3, 6, 9, 12]);
  assert.deepEqual([...await readFloats(shared.device, alone.output("now"))], [1, 2, 3, 4]);
  for (const compiled of [a, b, alone]) compiled.destroy();
});

Deno.test("what a program allocates is what was planned, and goes with it or its owner", async () => {
  const shared = await engine();
  const before = shared.device.allocated;
  const alone = await compileTotal(shared);
  const taken = shared.device.allocated - before;
  const graph = totalGraph();
  const { states, inputs, temporary } = footprint(graph, targetOf(shared.device));
  alone.destroy();
  assert.equal(shared.device.allocated, before);
  assert.ok(taken >= states + inputs + temporary && taken < states + inputs + temporary + 16 * 4);
  const resources = new Resources(shared.device);
  (await compileTotal(shared, resources)).destroy();
  assert.equal(shared.device.allocated - before, 16);
  resources[Symbol.dispose]();
  assert.equal(shared.device.allocated, before);
});

Deno.test("an input keeps what a shorter write does not reach", async () => {
  const shared = await engine();
  const graph = new Graph();
  const x = graph.input("x", [4], "f32");
  graph.output("y", add(graph, x, x));
  const compiled = await compile(shared, graph);
  compiled.write("x", Float32Array.of(1, 2, 3, 4));
  compiled.write("x", Float32Array.of(9));
  compiled.program.replay();
  assert.deepEqual([...await readFloats(shared.device, compiled.output("y"))], [18, 4, 6, 8]);
  assert.throws(() => compiled.write("x", new Float32Array(5)), RangeError);
  assert.throws(() => compiled.write("z", new Float32Array(4)), {
    name: "RangeError",
    message: "The program has no input z",
  });
  assert.throws(() => compiled.output("x"), new RangeError("The program has no output x"));
  compiled.destroy();
});

Deno.test("a program gives its buffers back, and refuses a binding that is too large", async () => {
  const { device, ...shared } = await engine();
  const graph = new Graph();
  const x = graph.input("x", [64, 16], "f32");
  graph.output("y", add(graph, x, x));
  const before = device.allocated;
  const compiled = await compile({ device, ...shared }, graph);
  assert.equal(device.allocated - before, 2 * 4096);
  compiled.destroy();
  assert.equal(device.allocated, before);
  await assert.rejects(compile(narrow({ device, ...shared }, 2048), graph), {
    name: "RangeError",
    message: "x [64,16] takes 4096 bytes, this adapter binds at most 2048",
  });
});

Deno.test("a missing weight is named", async () => {
  const graph = new Graph();
  const w = graph.weight("w", [4, 4], "f32", "rows");
  graph.output("y", add(graph, w, w));
  await assert.rejects(compile(await engine(), graph), {
    name: "RangeError",
    message: "The store holds no weight w",
  });
});
