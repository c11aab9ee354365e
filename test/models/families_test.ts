/** Every family against transformers, PEFT and torch: see test/golden/make_golden.py. */
import assert from "node:assert/strict";
import { BatchGenerator } from "../../src/inference/batch.ts";
import { Generator } from "../../src/inference/generator.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { loadParam, storedParam } from "../../src/models/weights.ts";
import {
  checkTraining,
  LOGITS,
  lossOf,
  openGoldenAdapter,
  RELATIVE,
  report,
  testsOf,
} from "../golden/checks.ts";
import { type Golden, logitsError, packedLogits, readGolden, T } from "../golden/golden.ts";
import { freshEngine } from "./tiny.ts";

const FAMILIES = [
  ...["llama", "llama_bias", "mistral", "mistral_full", "qwen2", "qwen3", "qwen3_yarn", "smollm3"],
  ...["olmo2", "gemma", "gemma2", "gemma3_text", "phi3", "phi3_longrope", "gpt2", "gpt2_scales"],
  ...["gpt_neox", "gpt_neox_serial", "starcoder2", "starcoder2_plain", "t5", "t5_gated"],
];

for (const name of FAMILIES) {
  const golden = readGolden(name);
  const test = testsOf(name, golden);

  test("logits, packed and cached, equal golden", (folder) => checkLogits(folder, golden));
  if (golden.greedy) {
    test("greedy text equals golden", (folder) => checkGreedy(folder, golden));
  } else {
    test("greedy text over the cache, alone and beside others, equals that without", (folder) =>
      checkText(folder, golden));
  }
  test("logits and gradients of a PEFT adapter equal golden", async (folder) => {
    await checkAdapter(folder, golden, false);
    await checkAdapter(folder, golden, true);
  });
  if (golden.greedy) {
    test("training of all weights, and of the embedding, is refused", (folder) =>
      refuseFull(folder));
  } else {
    test("the gradients of all weights equal golden", (folder) => checkFull(folder, golden));
  }
  test("ten updates make the golden losses", (folder) => checkTraining(folder, golden));
}

async function checkLogits(folder: string, golden: Golden): Promise<void> {
  const engine = await freshEngine();
  using model = new Model(folder);
  report("logits", logitsError(await packedLogits(engine, model, golden.examples), golden), LOGITS);
  using generator = await Generator.open(engine, model);
  const cached: Float32Array[] = [];
  for (const { ids, sourceLength: source } of golden.examples) {
    // Nothing is known of what follows a target.
    const read = [...source === undefined ? ids : ids.subarray(source, -1)];
    const scores = generator.scores(read, [...ids.subarray(0, source)]);
    const rows = (await Array.fromAsync(scores)).map((row) => [...row]);
    cached.push(Float32Array.from(rows.flat()));
  }
  report("cached logits", logitsError(cached, golden), LOGITS);
  engine.store.destroy();
}

/** An encoder reads the prompt, as in transformers' `generate()`. */
async function checkGreedy(folder: string, golden: Golden): Promise<void> {
  const engine = await freshEngine();
  using model = new Model(folder);
  using generator = await Generator.open(engine, model);
  for (const context of [golden.ids[0]!, golden.ids[1]!]) { // the cache has the last source alone
    const made = await Array.fromAsync(generator.generate(context, { maxTokens: 20, stop: [] }));
    if (context === golden.ids[1]) assert.deepEqual(made, golden.greedy);
  }
  await assert.rejects(BatchGenerator.open(engine, model), /found an encoder beside the decoder/);
  engine.store.destroy();
}

async function refuseFull(folder: string): Promise<void> {
  const engine = await freshEngine();
  using model = new Model(folder);
  const wanted =
    /found an encoder beside the decoder \(t5\), wanted a decoder alone to train every/;
  assert.throws(() => model.lossGraph(engine, { T, full: true, train: true }), wanted);
  const { tables, tensors } = model.modules(engine); // nor can an adapter train what both stacks share
  assert.deepEqual([tables.size, tensors.has("shared.weight")], [0, false]);
  engine.store.destroy();
}

async function checkText(folder: string, golden: Golden): Promise<void> {
  const engine = await freshEngine();
  using model = new Model(folder);
  using generator = await Generator.open(engine, model);
  const prompt = golden.ids[1]!;
  const made = await Array.fromAsync(generator.generate(prompt, { maxTokens: 20, stop: [] }));
  assert.equal(made.length, 20);
  const ids = Uint32Array.from([...prompt, ...made]);
  const scoresOf = async (length: number) => {
    const text = ids.slice(0, length);
    const example = { ids: text, labels: new Int32Array(length), origin: "text" };
    return (await packedLogits(engine, model, [example]))[0]!;
  };
  const whole = await scoresOf(ids.length);
  // While a text is short, LongRoPE turns all of it otherwise.
  const short = Number(golden.config["original_max_position_embeddings"] ?? Infinity);
  const begun = short < ids.length ? await scoresOf(short) : whole;
  const width = model.config.vocabSize;
  const best = made.map((_, i) => {
    const known = prompt.length + i;
    const row = (known > short ? whole : begun).subarray((known - 1) * width, known * width);
    return row.indexOf(Math.max(...row));
  });
  assert.deepEqual(made, best);
  engine.store.destroy();
  const other = await freshEngine();
  if (short < model.config.context) {
    const wanted = /wanted at most 16/;
    await assert.rejects(BatchGenerator.open(other, model, { slots: 2 }), wanted);
  } else {
    using many = await BatchGenerator.open(other, model, { slots: 2 });
    const prompts = [golden.ids[0]!, prompt, golden.ids[1]!.slice(1)];
    const found = await many.generate(prompts, { maxTokens: 20, stop: [] });
    assert.deepEqual(found[1]!.ids, made, "beside others");
  }
  other.store.destroy();
}

async function checkAdapter(folder: string, golden: Golden, recompute: boolean): Promise<void> {
  using model = new Model(folder);
  const { engine, options } = await openGoldenAdapter(folder, model, recompute);
  const { adapt } = options;

  const found = await packedLogits(engine, model, golden.examples, { adapt });
  report("adapted logits", logitsError(found, golden, "lora_logits"), LOGITS);
  const program = await LossProgram.open(engine, model, options);
  const loss = await lossOf(program, golden);
  report("adapted loss", Math.abs(loss / golden.losses[0]! - 1), RELATIVE);
  let most = 0;
  for (const [name, { numbers }] of golden.tensors) {
    const param = /^gradient\/base_model\.model\.(.*)/.exec(name)?.[1];
    if (!param) continue;
    const gradient = await engine.store.readParam(param, "gradients");
    assert.equal(gradient.length, numbers.length, param);
    const error = Math.hypot(...numbers.map((x, i) => x - gradient[i]!)) / Math.hypot(...numbers);
    assert.ok(error <= RELATIVE, `${param}: a relative error of ${error}`);
    most = Math.max(most, error);
  }
  assert.ok(most > 0, "no gradient was compared");
  report("gradients", most, RELATIVE);
  program.compiled.destroy();
  engine.store.destroy();
}

async function checkFull(folder: string, golden: Golden): Promise<void> {
  const engine = await freshEngine();
  using model = new Model(folder);
  const options = { T, full: true, train: true };
  const { graph } = model.lossGraph(engine, options);
  const params = graph.values.filter(({ kind }) => kind === "param");
  engine.store.addParams(params);
  for (const param of params) {
    engine.store.writeParam(param.name, loadParam(model.tensors, param));
  }
  const program = await LossProgram.open(engine, model, options);
  report("loss", Math.abs(await lossOf(program, golden) / golden.loss - 1), RELATIVE);
  assert.deepEqual(params.map(({ name }) => name).sort(), Object.keys(golden.gradients).sort());
  let most = 0;
  for (const param of params) {
    const { name } = param;
    const kept = await engine.store.readParam(name, "gradients");
    const gradient = storedParam(model.tensors, param, kept);
    const [norm, product] = golden.gradients[name]!;
    const found = gradient.reduce((sum, x, i) => sum + x * Math.cos(i), 0);
    const error = Math.max(Math.abs(Math.hypot(...gradient) - norm), Math.abs(found - product));
    assert.ok(error / norm <= RELATIVE, `${name}: a relative error of ${error / norm}`);
    most = Math.max(most, error / norm);
  }
  report("gradients of all weights", most, RELATIVE);
  program.compiled.destroy();
  engine.store.destroy();
}
