import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { BatchGenerator } from "../../src/inference/batch.ts";
import { slotsFor } from "../../src/inference/decoder.ts";
import type { BatchDecoder } from "../../src/inference/decoder.ts";
import { type GenerateOptions, Generator } from "../../src/inference/generator.ts";
import { bytesOf } from "../../src/graph/graph.ts";
import { Model } from "../../src/models/model.ts";
import { noise } from "../harness.ts";
import { freshEngine, withTiny } from "../models/tiny.ts";
import { followed, type Progress } from "../../src/progress.ts";

const BASE = fileURLToPath(new URL("../../configs/quickstart/base/", import.meta.url));
const CONTEXT = 40;

/** Prompts of different lengths, one of which leaves room for a single token. */
const prompts = [1, 7, CONTEXT - 1, 2, 12, 1, 3].map((length, i) =>
  [...noise(length, i + 1)].map((x) => Math.floor((x + 1) / 2 * 61))
);

/** What a batch of that many slots makes of prompts. */
async function generated(
  model: Model,
  slots: number,
  how: GenerateOptions,
  of: readonly (readonly number[])[] = prompts,
) {
  const engine = await freshEngine();
  using batch = await BatchGenerator.open(engine, model, { context: CONTEXT, slots });
  const told: Progress[] = [];
  const found = await followed((progress) => told.push(progress), () => batch.generate(of, how));
  const answers = told.filter(({ what }) => what === "answers");
  assert.deepEqual(answers.at(-1)?.done, found.length === 0 ? undefined : found.length);
  engine.store.destroy();
  return found;
}

Deno.test("a batch makes what the generator makes of each prompt alone", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const engine = await freshEngine();
    using generator = await Generator.open(engine, model, { context: CONTEXT });
    const alone: number[][] = [];
    for (const prompt of prompts) {
      alone.push(await Array.fromAsync(generator.generate(prompt, { stop: [] })));
    }
    engine.store.destroy();
    const free = await generated(model, 3, { stop: [] });
    assert.deepEqual(free.map(({ ids }) => ids), alone);
    assert.ok(free.every(({ end }) => end === null));

    const stop = alone[0]![5]!;
    const ended = await generated(model, 3, { stop: [stop], maxTokens: 9 });
    for (const [i, { ids, end }] of ended.entries()) {
      const short = alone[i]!.slice(0, 9);
      const at = short.indexOf(stop);
      assert.deepEqual(ids, at < 0 ? short : short.slice(0, at));
      assert.equal(end, at < 0 ? null : stop);
    }
    assert.ok(ended.some(({ end }) => end === stop));
  }));

Deno.test("long prompts are read many tokens at a time, beside those that are written on", () =>
  withTiny({ config: { max_position_embeddings: 160 } }, async (folder) => {
    using model = new Model(folder);
    const engine = await freshEngine();
    const long = [100, 3, 130, 64, 1].map((length, i) =>
      [...noise(length, i + 9)].map((x) => Math.floor((x + 1) / 2 * 61))
    );
    const how = { stop: [], maxTokens: 10 };
    using generator = await Generator.open(engine, model);
    using batch = await BatchGenerator.open(engine, model, { slots: 2 });
    let replays = 0;
    const decoder = batch["decoder"];
    for (const program of [decoder["program"], await (decoder["openReader"])()]) {
      const { program: recorded } = program;
      const replay = recorded.replay.bind(recorded);
      recorded.replay = (options) => void (replays++, replay(options));
      if (program !== decoder["program"]) {
        Object.assign(decoder, { openReader: () => Promise.resolve(program) });
      }
    }
    const found = await batch.generate(long, how);
    for (const [i, prompt] of long.entries()) {
      assert.deepEqual(found[i]!.ids, await Array.fromAsync(generator.generate(prompt, how)));
    }
    assert.ok(replays < 45, `${replays} replays for 298 tokens of prompts and 50 of answers`);
    engine.store.destroy();
  }));

Deno.test("what is drawn depends on neither the number of slots nor the other prompts", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const how = { temperature: 1, seed: 5 };
    const found = await generated(model, 3, how);
    assert.equal(new Set(found.map(({ ids }) => ids.join())).size, prompts.length);
    assert.deepEqual(await generated(model, 1, how), found);
    assert.deepEqual(await generated(model, 8, how), found);
    assert.deepEqual(await generated(model, 3, how, prompts.slice(0, 4)), found.slice(0, 4));
    assert.notDeepEqual(await generated(model, 3, { ...how, seed: 6 }), found);
  }));

Deno.test("a batch refuses a prompt before it begins, and makes nothing where nothing is asked", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    await assert.rejects(generated(model, 2, {}, [[1], new Array(CONTEXT).fill(1)]), {
      name: "RangeError",
      message: `Found ${CONTEXT} tokens, wanted at most ${CONTEXT - 1} in a context of ${CONTEXT}`,
    });
    assert.deepEqual(await generated(model, 2, {}, []), []);
    const engine = await freshEngine();
    using batch = await BatchGenerator.open(engine, model, { context: CONTEXT, slots: 2 });
    assert.deepEqual(await batch.generate([[1]], { maxTokens: 0 }), [{ ids: [], end: null }]);
    engine.store.destroy();
  }));

Deno.test("the slots of a batch are as many as 512 MiB and one binding hold, at most 128", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const engine = await freshEngine();
    const cachesOf = (context: number) => {
      const graph = model.decodeGraph(engine, { T: 4, scored: 4, context });
      const bytes = graph.graph.values.filter(({ kind }) => kind === "state").map(bytesOf);
      return { slots: slotsFor(engine, graph), bytes };
    };
    assert.equal(cachesOf(64).slots, 128);
    assert.equal(cachesOf(8 * 13_000).slots, 20);
    for (const context of [8 * 5000, 8 * 9000, 8 * 13_000]) {
      const { slots, bytes } = cachesOf(context);
      const most = engine.device.limits.maxStorageBufferBindingSize;
      const fits = (slots: number) =>
        slots * bytes.reduce((a, b) => a + b) <= 2 ** 29 && slots * Math.max(...bytes) <= most;
      assert.ok(fits(slots) && (slots === 128 || !fits(slots + 1)));
    }
    engine.store.destroy();
  }));

Deno.test("what the embedded base writes is as likely to it as it expects: the sampler is calibrated", async () => {
  using model = new Model(BASE);
  const context = 64;
  const engine = await freshEngine();
  using batch = await BatchGenerator.open(engine, model, { context });
  const bos = [model.tokenizer.bos!];
  const drawn = await batch.generate(Array(80).fill(bos), { temperature: 1, seed: 7 });
  engine.store.destroy();

  const rescoring = await freshEngine();
  using generator = await Generator.open(rescoring, model, { context });
  const surprises: number[] = []; // -log p(drawn) less its expectation, which is the entropy
  for (const { ids, end } of drawn) {
    const made = end === null ? ids : [...ids, end];
    const scores = await Array.fromAsync(generator.scores([...bos, ...made].slice(0, -1)));
    made.forEach((id, i) => surprises.push(surprise(scores[i]!, id)));
  }
  rescoring.store.destroy();
  const mean = surprises.reduce((sum, x) => sum + x, 0) / surprises.length;
  const error = Math.hypot(...surprises) / surprises.length; // they are uncorrelated, of mean 0
  assert.ok(surprises.length > 1500 && error < 0.03, `${surprises.length} tokens, ${error}`);
  assert.ok(Math.abs(mean) < 3 * error, `found ${mean}, wanted 0 within 3 x ${error}`);
});

/** Negative log-likelihood of `id` less the entropy, in nats. */
function surprise(logits: Float32Array, id: number): number {
  const top = Math.max(...logits);
  const weights = Float64Array.from(logits, (x) => Math.exp(x - top));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const logs = weights.map((weight) => Math.log(weight / total));
  const entropy = logs.reduce((sum, log) => sum - (log > -700 ? Math.exp(log) * log : 0), 0);
  return -logs[id]! - entropy;
}

Deno.test("a beginning that prompts share is read once, and what follows is the same", () =>
  withTiny({ config: { max_position_embeddings: 160 } }, async (folder) => {
    using model = new Model(folder);
    const engine = await freshEngine();
    const random = (length: number, seed: number) =>
      [...noise(length, seed)].map((x) => Math.floor((x + 1) / 2 * 61));
    const [first, second] = [random(90, 1), random(70, 2)];
    const asked = [first, first, second, first, second, first, first].map((
      shared,
      i,
    ) => [...shared, ...random(i % 3 + 1, 30 + i)]);
    asked.push(first); // one that is a beginning of others: its last token is read for its scores
    const how = { stop: [], maxTokens: 6 };
    using generator = await Generator.open(engine, model);
    using batch = await BatchGenerator.open(engine, model, { slots: 3 });
    const { decoder } = batch as unknown as { decoder: BatchDecoder };
    let read = 0;
    const { step } = decoder;
    decoder.step = async (active) => {
      const before = active.values().reduce((sum, { cached }) => sum + cached, 0);
      const found = await step.call(decoder, active);
      read += active.values().reduce((sum, { cached }) => sum + cached, 0) - before;
      return found as never;
    };
    const found = await batch.generate(asked, how);
    for (const [i, prompt] of asked.entries()) {
      const alone = await Array.fromAsync(generator.generate(prompt, how));
      assert.deepEqual(found[i]!.ids, alone, `prompt ${i}`);
    }
    const own = asked.reduce((sum, { length }) => sum + length, 0) - 6 * 90 - 2 * 70;
    const made = asked.length * (how.maxTokens - 1); // the last token of an answer is not read
    assert.equal(read, 90 + 70 + own + made + 1, `${read} tokens were read`);
    engine.store.destroy();
  }));
