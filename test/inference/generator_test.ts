import assert from "node:assert/strict";
import { join } from "node:path";
import { BatchGenerator } from "../../src/inference/batch.ts";
import { type GenerateOptions, Generator } from "../../src/inference/generator.ts";
import { openModel } from "../../src/inference/open.ts";
import { distance, scoresOf } from "../../src/inference/scores.ts";
import { stopIds } from "../../src/inference/stop.ts";
import { Model } from "../../src/models/model.ts";
import { engine, noise } from "../harness.ts";
import { freshEngine, tinyTensors, withTiny, writeTinyAdapter } from "../models/tiny.ts";
import { llamaLogits, type LlamaSizes, type Tensors } from "../../src/reference/llama.ts";

/** Longer than one piece of a prompt. */
const CONTEXT = 120;
const LONG = { config: { max_position_embeddings: CONTEXT } };

function tokens(count: number, seed: number, vocab: number): number[] {
  return [...noise(count, seed)].map((x) => Math.floor((x + 1) / 2 * vocab));
}

/** Continues greedily in f64, all tokens computed anew each time. */
function greedyReference(prompt: number[], count: number, sizes: LlamaSizes, tensors: Tensors) {
  const ids = [...prompt];
  for (let i = 0; i < count; i++) {
    const scores = llamaLogits(ids, sizes, tensors).at(-1)!;
    ids.push(scores.indexOf(Math.max(...scores)));
  }
  return ids.slice(prompt.length);
}

Deno.test("greedy generation over the cache equals the f64 model without one", () =>
  withTiny(LONG, async (folder, sizes) => {
    using open = openModel((await engine()).device, folder);
    using generator = await Generator.open(open.engine, open.model);
    const tensors = tinyTensors(folder);
    // Pieces of one row, part of one, one that is full, two: caches of longer texts lie behind.
    for (const [seed, length] of [100, 1, 3, 30, 64, 65].entries()) {
      const prompt = tokens(length, seed + 1, sizes.vocab);
      const how = { maxTokens: 8, stop: [] };
      const found = await Array.fromAsync(generator.generate(prompt, how));
      assert.deepEqual(found, greedyReference(prompt, 8, sizes, tensors), `prompt of ${length}`);
    }
  }));

Deno.test("scores equal the f64 model, with an adapter and without", () =>
  withTiny({ tied: false }, async (folder, sizes) => {
    const { device } = await engine();
    const ids = tokens(22, 5, sizes.vocab);
    const weights = writeTinyAdapter(join(folder, "adapter"), folder);
    const updates = new Map(weights.map(({ module, a, b, scale }) => {
      return [module, { a: Float64Array.from(a), b: Float64Array.from(b), scale }];
    }));
    const scores = async (adapter?: string) => {
      using open = openModel(device, folder, adapter);
      return await scoresOf(open, ids);
    };
    const reference = (updated: typeof updates) =>
      llamaLogits(ids, sizes, tinyTensors(folder), updated).map((row) => Float32Array.from(row));
    const base = await scores();
    const tuned = await scores(join(folder, "adapter"));
    assert.ok(distance(reference(new Map()), base).largest < 1e-4);
    assert.ok(distance(reference(updates), tuned).largest < 1e-4);
    assert.ok(distance(base, tuned).largest > 0.1);
    assert.deepEqual(await scores(folder), tuned); // as a run folder, with its adapter in it
  }));

Deno.test("generation ends at the model's own ids, at others, at maxTokens and the context", () =>
  withTiny({ config: { eos_token_id: [2, 7] } }, async (folder, sizes) => {
    const gpu = await freshEngine();
    using model = new Model(folder);
    assert.deepEqual(stopIds(model), [2, 7]);
    using generator = await Generator.open(gpu, model, { context: 20 });
    const prompt = tokens(10, 3, sizes.vocab);
    const run = (how: GenerateOptions) => Array.fromAsync(generator.generate(prompt, how));
    const all = await run({ stop: [] });
    assert.equal(all.length, 10);
    assert.deepEqual(await run({ stop: [], maxTokens: 3 }), all.slice(0, 3));
    assert.deepEqual(await run({ stop: [all[4]!] }), all.slice(0, all.indexOf(all[4]!)));
    gpu.store.destroy();
  }));

Deno.test("sampling repeats with its seed and changes with it", () =>
  withTiny({}, async (folder, sizes) => {
    const gpu = await freshEngine();
    using model = new Model(folder);
    using generator = await Generator.open(gpu, model, { context: 64 });
    const prompt = tokens(5, 3, sizes.vocab);
    const run = (seed: number) =>
      Array.fromAsync(generator.generate(prompt, { temperature: 1, seed, maxTokens: 30 }));
    const first = await run(1);
    assert.ok(first.length > 0);
    assert.deepEqual(await run(1), first);
    assert.notDeepEqual(await run(2), first);
    gpu.store.destroy();
  }));

Deno.test("prompts that are empty, too long or beyond the vocabulary are refused", () =>
  withTiny({}, async (folder) => {
    const gpu = await freshEngine();
    using model = new Model(folder);
    using generator = await Generator.open(gpu, model, { context: 16 });
    const refuses = async (prompt: number[], message: string) => {
      await assert.rejects(Array.fromAsync(generator.generate(prompt)), {
        name: "RangeError",
        message,
      });
    };
    await refuses([], "Found an empty prompt, wanted a token at least");
    await refuses(new Array(16).fill(1), "Found 16 tokens, wanted at most 15 in a context of 16");
    await refuses([1, 61], "Found token id 61, wanted ids below the vocabulary of 61");
    await refuses([1, -1], "Found token id -1, wanted ids below the vocabulary of 61");
    assert.equal((await Array.fromAsync(generator.scores(new Array(16).fill(1)))).length, 16);
    gpu.store.destroy();
  }));

Deno.test("a context beyond the loops of software Vulkan is refused", () =>
  withTiny({}, async (folder) => {
    const gpu = await freshEngine();
    using model = new Model(folder);
    const most = 8 * 13_106; // 13,106 rounds of 8 keys, 5 steps each, are the last below 65,535
    const graph = (context: number) => model.decodeGraph(gpu, { T: 8, context, scored: 4 });
    graph(most);
    assert.throws(() => graph(most + 8), {
      name: "RangeError",
      message: `Found a context of ${most + 8}, software Vulkan attends to at most ${most} ` +
        "tokens at once",
    });
  }));

Deno.test("generators of different context write in turn over one store, each as it does alone", () =>
  withTiny(LONG, async (folder, sizes) => {
    using model = new Model(folder);
    const how = { stop: [], maxTokens: 12 };
    const prompts = [tokens(70, 1, sizes.vocab), tokens(5, 2, sizes.vocab)];
    const contexts = [CONTEXT, 24];
    const alone: number[][] = [];
    let weights = 0;
    for (const [i, context] of contexts.entries()) {
      const gpu = await freshEngine();
      const before = gpu.device.allocated;
      const generator = await Generator.open(gpu, model, { context });
      alone.push(await Array.fromAsync(generator.generate(prompts[i]!, how)));
      generator[Symbol.dispose]();
      weights = gpu.device.allocated - before;
      gpu.store.destroy();
    }
    const gpu = await freshEngine();
    const before = gpu.device.allocated;
    const open = (context: number) => Generator.open(gpu, model, { context });
    const generators = [await open(contexts[0]!), await open(contexts[1]!)];
    const batch = await BatchGenerator.open(gpu, model, { context: 88, slots: 3 });
    const texts = generators.map((generator, i) => generator.generate(prompts[i]!, how));
    const found: number[][] = [[], []];
    for (let token = 0; token < 12; token++) {
      for (const [i, text] of texts.entries()) found[i]!.push((await text.next()).value as number);
      if (token === 6) {
        assert.deepEqual((await batch.generate(prompts, how)).map(({ ids }) => ids), alone);
      }
    }
    assert.deepEqual(found, alone);
    for (const generator of [batch, ...generators]) generator[Symbol.dispose]();
    assert.equal(gpu.device.allocated - before, weights, "bytes of one copy of the weights");
    gpu.store.destroy();
    assert.equal(gpu.device.allocated, before);
  }));
