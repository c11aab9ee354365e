/** The whole model on the device against the plain f64 Llama. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter } from "../../src/adapters/adapter.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { batch, type Example } from "../../src/data/mod.ts";
import { readFloats } from "../../src/gpu/buffer.ts";
import type { Engine } from "../../src/graph/compile.ts";
import type { Value } from "../../src/graph/graph.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { type LossGraphOptions, Model } from "../../src/models/model.ts";
import { fromBlocks, loadParam } from "../../src/models/weights.ts";
import { noise } from "../harness.ts";
import { llamaLoss, type Tensors } from "../../src/reference/llama.ts";
import { freshEngine, tinyExamples, tinyTensors, withTiny, writeTinyAdapter } from "./tiny.ts";

const T = 32;

/** Numbers of the params or their gradients, row-major, by name. */
type Numbers = ReadonlyMap<string, Float64Array>;

interface Step {
  readonly losses: Float32Array;
  readonly loss: number;
  readonly gradients: Numbers;
  /** Bytes of activations and their gradients. */
  readonly temporary: number;
}

/** One forward, and backward where it trains, over the examples packed into one row. */
async function step(
  engine: Engine,
  model: Model,
  examples: readonly Example[],
  options: Omit<LossGraphOptions, "T">,
  fill: (params: readonly Value[]) => void = () => {},
): Promise<Step> {
  const { graph } = model.lossGraph(engine, { T, ...options });
  const params = graph.values.filter(({ kind }) => kind === "param");
  if (params.length > 0 && engine.store.paramNames.length === 0) engine.store.addParams(params);
  fill(params);
  const program = await LossProgram.open(engine, model, { T, ...options });
  const packed = batch(examples, T);
  program.feed(packed);
  program.run();
  const { compiled } = program;
  const losses = await readFloats(engine.device, compiled.output("losses"));
  const [loss] = await readFloats(engine.device, compiled.output("loss"));
  const gradients = new Map<string, Float64Array>();
  for (const { name, shape, layout } of options.train ? params : []) {
    const stored = await engine.store.readParam(name, "gradients");
    const size = shape.reduce((a, b) => a * b);
    const rows = layout === "blocks" ? fromBlocks(stored, shape as [number, number]) : stored;
    gradients.set(name, Float64Array.from(rows.subarray(0, size)));
  }
  const temporary = compiled.plan.slots.reduce((sum, bytes) => sum + bytes, 0);
  compiled.destroy();
  return { losses: losses.subarray(0, packed.supervised), loss: loss!, gradients, temporary };
}

/**
 * Compares every gradient with central differences of the f64 loss: along the gradient itself, and
 * along two directions in which every number of the tensor moves.
 */
function checkGradients(found: Numbers, numbers: Numbers, loss: (numbers: Tensors) => number) {
  const h = 1e-5;
  for (const [name, gradient] of found) {
    const length = Math.hypot(...gradient);
    assert.ok(length > 0, `${name}: the gradient is zero`);
    const directions = [
      gradient.map((g) => g / length),
      ...[1, 2].map((seed) => Float64Array.from(noise(gradient.length, seed), Math.sign)),
    ];
    for (const [which, direction] of directions.entries()) {
      const moved = (by: number) =>
        new Map(numbers).set(name, numbers.get(name)!.map((x, i) => x + by * direction[i]!));
      const expected = (loss(moved(h)) - loss(moved(-h))) / (2 * h);
      const slope = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0);
      const error = Math.abs(slope - expected) / length;
      assert.ok(error < 2e-5, `${name} in direction ${which}: ${slope}, wanted ${expected}`);
    }
  }
}

function assertNear(found: number, expected: number, tolerance: number): void {
  const error = Math.abs(found - expected) / Math.abs(expected);
  assert.ok(error <= tolerance, `found ${found}, wanted ${expected}, a relative ${error}`);
}

for (
  const [what, options] of Object.entries(
    {
      "grouped heads and a tied head": {},
      "as many key heads as heads": { groups: 4, tied: false },
      "one key head and heads wider than the hidden size": { groups: 1, headDim: 16 },
      "bf16 weights": { dtype: "BF16" },
      "f16 weights and a head of its own": { dtype: "F16", tied: false },
    } as const,
  )
) {
  Deno.test(`the loss equals the f64 model: ${what}`, () =>
    withTiny(options, async (folder, sizes) => {
      const engine = await freshEngine();
      using model = new Model(folder);
      const examples = tinyExamples(sizes.vocab);
      const { loss } = await step(engine, model, examples, {});
      assertNear(loss, llamaLoss(examples, sizes, tinyTensors(folder)), 3e-6);
      engine.store.destroy();
    }));
}

Deno.test("loss and all gradients of an adapter equal the f64 model", () =>
  withTiny({}, async (folder, sizes) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const weights = writeTinyAdapter(join(folder, "adapter"), folder);
    const lora = Adapter.of(engine, model, readPeft(join(folder, "adapter")));
    const examples = tinyExamples(sizes.vocab);
    const options = { adapt: lora.adapt, train: true };
    const { loss, gradients } = await step(engine, model, examples, options, () => {
      lora.load(engine.store, 0);
    });

    const tensors = tinyTensors(folder);
    const numbers = new Map(weights.flatMap(({ module, a, b }) => [
      [`${module}.lora_A.weight`, Float64Array.from(a)],
      [`${module}.lora_B.weight`, Float64Array.from(b)],
    ]));
    const expected = (moved: Tensors) => {
      const updates = weights.map(({ module, scale }) => {
        const [a, b] = ["A", "B"].map((half) => moved.get(`${module}.lora_${half}.weight`)!);
        return [module, { a: a!, b: b!, scale }] as const;
      });
      return llamaLoss(examples, sizes, tensors, new Map(updates));
    };
    assertNear(loss, expected(numbers), 3e-6);
    assert.equal(gradients.size, 2 * 7 * sizes.layers);
    checkGradients(unpadded(gradients, weights), numbers, expected);
    engine.store.destroy();
  }));

/** Gradients at the adapter's own rank; what pads it must have none. */
function unpadded(gradients: Numbers, weights: ReturnType<typeof writeTinyAdapter>): Numbers {
  return new Map(weights.flatMap(({ module, rank, inFeatures, outFeatures }) => {
    const da = gradients.get(`${module}.lora_A.weight`)!;
    const db = gradients.get(`${module}.lora_B.weight`)!;
    const padded = db.length / outFeatures;
    assert.ok(da.subarray(rank * inFeatures).every((x) => x === 0), `${module}: padding of A`);
    const isPadding = (i: number) => i % padded >= rank;
    assert.ok(db.every((x, i) => !isPadding(i) || x === 0), `${module}: padding of B`);
    return [
      [`${module}.lora_A.weight`, da.slice(0, rank * inFeatures)],
      [`${module}.lora_B.weight`, db.filter((_, i) => !isPadding(i))],
    ];
  }));
}

for (const tied of [true, false]) {
  Deno.test(`gradients of every parameter equal the f64 model: ${tied ? "tied" : "own"} head`, () =>
    withTiny({ tied }, async (folder, sizes) => {
      const engine = await freshEngine();
      using model = new Model(folder);
      const examples = tinyExamples(sizes.vocab);
      const options = { full: true, train: true };
      const { loss, gradients } = await step(engine, model, examples, options, (params) => {
        for (const param of params) {
          engine.store.writeParam(param.name, loadParam(model.tensors, param));
        }
      });
      const tensors = tinyTensors(folder);
      const expected = (moved: Tensors) => llamaLoss(examples, sizes, moved);
      assertNear(loss, expected(tensors), 3e-6);
      assert.deepEqual([...gradients.keys()].sort(), [...tensors.keys()].sort());
      checkGradients(gradients, tensors, expected);
      engine.store.destroy();
    }));
}

Deno.test("an adapter of strength zero, and a fresh one, leave the losses bit for bit", () =>
  withTiny({}, async (folder, sizes) => {
    const examples = tinyExamples(sizes.vocab);
    using model = new Model(folder);
    const losses = async (lora?: Adapter) => {
      const engine = await freshEngine();
      const options = lora ? { adapt: lora.adapt } : {};
      const result = await step(engine, model, examples, options, () => {
        lora?.load(engine.store, 0);
      });
      engine.store.destroy();
      return result.losses;
    };
    const engine = await freshEngine();
    const named = (name: string) => Adapter.of(engine, model, readPeft(join(folder, name)));
    writeTinyAdapter(join(folder, "full"), folder);
    writeTinyAdapter(join(folder, "zero"), folder, 0);
    const base = await losses();
    const fresh = Adapter.fresh(engine, model, { rank: 4, alpha: 8, targets: "all-linear" });
    assert.deepEqual(await losses(fresh), base);
    assert.deepEqual(await losses(named("zero")), base);
    assert.notDeepEqual(await losses(named("full")), base);
  }));

Deno.test("recomputing blocks saves memory and changes no bit of loss and gradients", () =>
  withTiny({ layers: 4 }, async (folder, sizes) => {
    const examples = tinyExamples(sizes.vocab);
    using model = new Model(folder);
    writeTinyAdapter(join(folder, "adapter"), folder);
    const adapter = readPeft(join(folder, "adapter"));
    const run = async (recompute: boolean) => {
      const engine = await freshEngine();
      const lora = Adapter.of(engine, model, adapter);
      const options = { adapt: lora.adapt, train: true, recompute };
      const result = await step(engine, model, examples, options, () => {
        lora.load(engine.store, 0);
      });
      engine.store.destroy();
      return result;
    };
    const { temporary: most, ...kept } = await run(false);
    const { temporary: least, ...recomputed } = await run(true);
    assert.equal(kept.gradients.size, 56);
    assert.deepEqual(recomputed, kept);
    assert.ok(least < 0.8 * most, `${least} bytes, ${most} without`);
  }));
