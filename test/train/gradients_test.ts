/** Which gradients are made: those of every adapter, and none of a frozen weight. */
import assert from "node:assert/strict";
import { Adapter } from "../../src/adapters/adapter.ts";
import { batch } from "../../src/data/mod.ts";
import type { Engine } from "../../src/graph/compile.ts";
import type { Call, Graph, Value } from "../../src/graph/graph.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { adamw } from "../../src/ops/mod.ts";
import { Optimizer } from "../../src/train/optimizer.ts";
import { freshEngine, tinyExamples, withTiny } from "../models/tiny.ts";

/** No size of the tiny model, so that an activation is never shaped like a weight. */
const T = 40;

const SEVEN = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
const SETTINGS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 1 };

function freshLora(model: Model, engine: Engine, targets: "all-linear" | string[]): Adapter {
  return Adapter.fresh(engine, model, { rank: 4, alpha: 8, targets });
}

function trainingGraph(model: Model, engine: Engine, targets: "all-linear" | string[]): Graph {
  const { adapt } = freshLora(model, engine, targets);
  return model.lossGraph(engine, { T, adapt, train: true }).graph;
}

/** The largest gradient of each param after each of `steps` updates. */
async function largestGradients(model: Model, targets: string[], steps: number) {
  const engine = await freshEngine();
  const lora = freshLora(model, engine, targets);
  const options = { T, adapt: lora.adapt, train: true };
  const { graph } = model.lossGraph(engine, options);
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  lora.load(engine.store, 1);
  const program = await LossProgram.open(engine, model, options);
  const optimizer = await Optimizer.open(engine, adamw(SETTINGS), 1);
  program.feed(batch(tinyExamples(model.config.vocabSize), T));
  const found: Map<string, number>[] = [];
  for (let step = 1; step <= steps; step++) {
    program.run();
    const largest = new Map<string, number>();
    for (const name of engine.store.paramNames) {
      const gradient = await engine.store.readParam(name, "gradients");
      largest.set(name, gradient.reduce((most, x) => Math.max(most, Math.abs(x)), 0));
    }
    found.push(largest);
    optimizer.step(0.01, step, () => {});
  }
  engine.store.destroy();
  return found;
}

for (const targets of [SEVEN, ["q_proj", "v_proj"]]) {
  Deno.test(`every lora_B has a gradient at step 1, every lora_A at step 2: ${targets}`, () =>
    withTiny({}, async (folder, { layers }) => {
      using model = new Model(folder);
      const [first, second] = await largestGradients(model, targets, 2);
      assert.equal(first!.size, layers * targets.length * 2);
      for (const [name, largest] of first!) {
        if (name.includes("lora_A")) assert.equal(largest, 0, `${name} at step 1`);
        else assert.ok(largest > 1e-6, `${name} at step 1: ${largest}`);
      }
      for (const [name, largest] of second!) {
        assert.ok(largest > 1e-8, `${name} at step 2: ${largest}`);
      }
    }));
}

const backwardCalls = (graph: Graph): Call[] => graph.calls.filter(({ backward }) => backward);
const outsOf = ({ outs }: Call): Value[] => Object.values(outs as Record<string, Value>);
const insOf = ({ ins }: Call): Value[] =>
  Object.values(ins as Record<string, Value | undefined>).filter((value) => value !== undefined);

/**
 * What a step makes that is shaped like one of `weights`: rank 4 and T are no size of theirs. The
 * head's op makes its gradients as it goes forward, so every call counts.
 */
function madeLike(graph: Graph, weights: readonly Value[]): Value[] {
  const shapes = new Set(weights.map(({ shape }) => String(shape)));
  return graph.calls.flatMap(outsOf).filter(({ shape }) => shapes.has(String(shape)));
}

Deno.test("no dispatch makes a gradient of a frozen weight", () =>
  withTiny({}, async (folder, { layers }) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const frozen = (graph: Graph) => graph.values.filter(({ kind }) => kind === "weight");
    for (const targets of ["all-linear" as const, ["q_proj", "v_proj"], ["down_proj"]]) {
      const graph = trainingGraph(model, engine, targets);
      assert.equal(frozen(graph).length, 3 + 9 * layers, "the angles are a weight too");
      assert.deepEqual(madeLike(graph, frozen(graph)), [], String(targets));
      const trained = [...graph.gradients.keys()];
      assert.ok(trained.every(({ name }) => /\.lora_[AB]\.weight$/.test(name)));
    }
    // The same search finds them all where every weight is trained.
    const full = model.lossGraph(engine, { T, full: true, train: true }).graph;
    const made = madeLike(full, frozen(trainingGraph(model, engine, "all-linear")));
    assert.equal(made.filter(({ kind }) => kind === "gradient").length, 2 + 9 * layers);
  }));

/** The layers whose weights backward reads. */
function layersReached(graph: Graph): Set<string> {
  const names = backwardCalls(graph).flatMap(insOf).map(({ name }) => name);
  return new Set(names.flatMap((name) => name.match(/^model\.layers\.(\d+)\./)?.[1] ?? []));
}

Deno.test("nothing is emitted below the first adapter", async () => {
  const engine = await freshEngine();
  const countOf = async (layers: number) => {
    let count = 0;
    await withTiny({ layers }, async (folder) => {
      using model = await Promise.resolve(new Model(folder));
      const last = `model.layers.${layers - 1}`;
      const graph = trainingGraph(model, engine, [`${last}.self_attn.v_proj`]);
      assert.deepEqual(layersReached(graph), new Set([String(layers - 1)]));
      const read = backwardCalls(graph).flatMap(insOf).map(({ name }) => name);
      assert.ok(read.includes(`${last}.self_attn.o_proj.weight`), "above the adapter");
      assert.ok(!read.includes(`${last}.self_attn.v_proj.weight`), "its input needs no gradient");
      assert.ok(!read.includes(`${last}.input_layernorm.weight`), "below the adapter");
      assert.ok(!read.includes(`${last}.self_attn.q_proj.weight`), "beside the adapter");
      count = backwardCalls(graph).length;
    });
    return count;
  };
  assert.equal(await countOf(2), await countOf(4));
});

Deno.test("backward reaches down to the first adapter", () =>
  withTiny({ layers: 3 }, async (folder) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const graph = trainingGraph(model, engine, ["model.layers.1.mlp.up_proj"]);
    assert.deepEqual(layersReached(graph), new Set(["1", "2"]));
  }));
