/** Virtual tokens in runs and beside other parts: what takes them, and what refuses them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { mergeAdapter } from "../../../src/adapters/merge.ts";
import { combine } from "../../../src/adapters/combine/combine.ts";
import { type PeftAdapter, readPeft, writePeft } from "../../../src/adapters/peft/folder.ts";
import { parseConfig } from "../../../src/config/mod.ts";
import { encode, rowTokenizer, splitLength } from "../../../src/data/mod.ts";
import { ConfigError } from "../../../src/errors.ts";
import { exportMlx } from "../../../src/export/mlx.ts";
import { OpenAdapter, openModel } from "../../../src/inference/open.ts";
import { Generator } from "../../../src/inference/generator.ts";
import { BatchGenerator } from "../../../src/inference/batch.ts";
import { readJsonObject, writeJson } from "../../../src/io/files.ts";
import { keptRowsOf } from "../../../src/models/kept_rows.ts";
import { Model } from "../../../src/models/model.ts";
import { Served } from "../../../src/serve/served.ts";
import { engine } from "../../harness.ts";
import { assertFileError } from "../../io/helpers.ts";
import { Toy, type ToySettings } from "../../train/toy.ts";

/** A request that is answered greedily. */
const GREEDY = {
  ...{ maxTokens: 6, stop: [], seed: 0, choice: 0, likeliest: null, temperature: 0, topK: 0 },
  ...{ topP: 1, minP: 0, presencePenalty: 0, frequencyPenalty: 0, bias: new Map<number, number>() },
};

const isConfigError = (message: RegExp) => (fault: Error) =>
  fault instanceof ConfigError && message.test(fault.message);

for (const method of ["prompt_tuning", "prefix_tuning"]) {
  Deno.test(`a run of ${method} learns, ends with the same bytes if stopped, and is gone on from`, async () => {
    using toy = new Toy({ dtype: "BF16" });
    const settings: ToySettings = {
      ...{ guard: false, adapter: { method, num_virtual_tokens: 3, rank: undefined } },
      train: { steps: 8, lr: 0.1, checkpoint_every: 4, recompute: true },
    };
    await toy.train("run", settings);
    const [first, ...rest] = toy.metrics("run");
    assert.ok(rest.at(-1)!.loss < first!.loss, `${first!.loss} to ${rest.at(-1)!.loss}`);
    assert.equal(readPeft(toy.path("run", "adapter")).prompt!.tokens, 3);
    let asked = 0;
    await toy.train("stopped", settings, { stopWanted: () => ++asked === 5 });
    await toy.train("stopped", settings, { resume: true });
    assert.deepEqual(toy.adapter("stopped"), toy.adapter("run"));

    const from = toy.path("run", "adapter");
    const train = { steps: 1 };
    await toy.train("on", { guard: false, train, adapter: { from } });
    await assert.rejects(
      toy.train("off", { guard: false, train, adapter: { from, num_virtual_tokens: 4 } }),
      isConfigError(/adapter\.num_virtual_tokens: found 4, but the adapter in .* has 3/),
    );
  });
}

Deno.test("an adapter of virtual tokens answers alone and beside others, and is refused where it has no place", async () => {
  using toy = new Toy();
  await toy.train("run", {
    guard: false,
    adapter: { method: "prefix_tuning", num_virtual_tokens: 3, rank: undefined },
    train: { steps: 2 },
  });
  const folder = toy.path("run");
  const { device } = await engine();
  {
    using open = openModel(device, toy.model, folder);
    const { model, adapt } = open;
    const { virtual } = rowTokenizer(model);
    assert.deepEqual(virtual, [61, 62, 63]);
    const prompts = [[5, 6, 7], [9, 3]].map((ids) => [...virtual!, ...ids]);
    using one = await Generator.open(open.engine, model, { context: 32, adapt });
    using many = await BatchGenerator.open(open.engine, model, { context: 32, adapt });
    const options = { maxTokens: 6, stop: [] };
    const texts: number[][] = [];
    for (const prompt of prompts) texts.push(await Array.fromAsync(one.generate(prompt, options)));
    const answers = await many.generate(prompts, options);
    assert.deepEqual(answers.map(({ ids }) => [...ids]), texts, "beside each other as alone");
    await assert.rejects(
      Array.fromAsync(one.generate([5, 6, 7], options)),
      /without the 3 virtual tokens of the adapter/,
    );
  }
  {
    await toy.train("lora", { guard: false, train: { steps: 2, lr: 0.05 } });
    const prompt = [5, 6, 7];
    const alone = async (adapter?: string) => {
      using open = openModel(device, toy.model, adapter);
      const { model, adapt } = open;
      using one = await Generator.open(open.engine, model, { context: 32, adapt });
      const ids = [...rowTokenizer(model).virtual!, ...prompt];
      return await Array.fromAsync(one.generate(ids, { maxTokens: 6, stop: [] }));
    };
    using open = openModel(device, toy.model);
    const adapters = new Map([["mine", folder], ["lora", toy.path("lora")]]);
    using served = await Served.open(open, "base", adapters, { context: 32, slots: 2, waiting: 4 });
    const ids = [...served.tokenizer.virtual!, ...prompt];
    const texts = await Promise.all(served.names.map(async (name) => {
      const { tokens } = served.queue.submit({ ...GREEDY, name, prompt: ids });
      return (await Array.fromAsync(tokens)).map(({ id }) => id);
    }));
    const wanted = [await alone(), await alone(folder), await alone(toy.path("lora"))];
    assert.deepEqual(served.names, ["base", "mine", "lora"]);
    assert.deepEqual(texts, wanted, "beside each other as alone");
    const other = {
      ...readPeft(toy.path("run", "adapter")),
      prompt: { tokens: 2, numbers: new Float32Array(2 * 64) },
    };
    writePeft(toy.path("other"), other);
    assert.throws(
      () => OpenAdapter.open(open, toy.path("other")),
      isConfigError(/of 3 and of 2 virtual tokens on one open model, wanted one/),
    );
  }
  const saved = toy.path("run", "adapter");
  const out = toy.path("out");
  const read = readPeft(saved);
  assertFileError(() => mergeAdapter(toy.model, saved, out), "prefix_tuning puts tokens in front");
  assertFileError(() => exportMlx(read, out), "plain LoRA alone, found prefix_tuning");
  const given = { folder: "one", adapter: read, weight: 1 };
  assert.throws(
    () => combine([given, given], { method: "svd" }),
    isConfigError(/its method is prefix_tuning, wanted lora/),
  );
});

Deno.test("a prompt begins as the embeddings of a text, over and over, or at random", async () => {
  using toy = new Toy({ dtype: "BF16" });
  const make = async (out: string, more: object) => {
    await toy.train(out, {
      guard: false,
      adapter: { method: "prompt_tuning", rank: undefined, ...more },
      train: { steps: 1, lr: 1e-30, weight_decay: 0 },
    });
    return readPeft(toy.path(out, "adapter")).prompt!;
  };
  using model = new Model(toy.model);
  const ids = model.tokenizer.encode("abc");
  const rows = keptRowsOf(model.tensors, model.tensors.embedding, [...ids, ...ids.slice(0, 2)]);
  assert.deepEqual(
    await make("five", { prompt_tuning_init_text: "abc", num_virtual_tokens: 5 }),
    { tokens: 5, numbers: rows },
  );
  assert.equal((await make("three", { prompt_tuning_init_text: "abc" })).tokens, 3);
  const { tokens, numbers } = await make("random", {});
  assert.equal(tokens, 20);
  const variance = numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length;
  assert.ok(Math.abs(variance - 1) < 0.2, `${variance}`);
});

Deno.test("documents behind virtual tokens keep them, however they are cut", () => {
  const tokenizer = { encode: () => [], bos: 1, eos: 2, virtual: [90, 91] };
  const ids = [1, 5, 6, 7, 8, 9];
  const document = { kind: "tokens", ids, labels: ids, origin: "a" } as const;
  const example = encode(document, tokenizer);
  assert.deepEqual([...example.ids], [90, 91, ...ids]);
  assert.deepEqual([...example.labels], [-100, -100, -100, 5, 6, 7, 8, 9]);
  const pieces = splitLength(example, 6, 1);
  assert.deepEqual(pieces.map(({ ids }) => [...ids]), [[90, 91, 1, 5, 6, 7], [90, 91, 1, 8, 9]]);
  assert.deepEqual([...pieces[1]!.labels], [-100, -100, -100, 8, 9]);
  const bare = splitLength(encode(document, { ...tokenizer, bos: null }), 5, null);
  assert.deepEqual(bare.map(({ ids }) => [...ids.subarray(2)]), [[1, 5, 6], [6, 7, 8], [8, 9]]);
});

Deno.test("damaged folders of prompts, and ones of another model, are refused", async () => {
  using toy = new Toy();
  const prompt = { tokens: 2, numbers: new Float32Array(2 * 28) };
  const none = { rank: 0, alpha: 0, rslora: false, targetModules: [], modules: [] };
  const config = { peft_type: "PROMPT_TUNING" };
  const adapter: PeftAdapter = { baseModel: toy.model, ...none, prompt, config };
  const folder = toy.path("saved");
  writePeft(folder, adapter);
  const { device } = await engine();
  assert.throws(
    () => openModel(device, toy.model, folder),
    isConfigError(/2 virtual tokens of 28 numbers, the model has 32 for a token of prompt_tuning/),
  );
  const path = join(folder, "adapter_config.json");
  const saved = readJsonObject(path);
  const withFields = (fields: object) => {
    writeJson(path, { ...saved, ...fields });
    return () => readPeft(folder);
  };
  assertFileError(withFields({ num_virtual_tokens: 3 }), "F32 [2,28]", "each of 3 virtual tokens");
  assertFileError(withFields({ num_virtual_tokens: 0 }), "is 0, wanted a whole number above 0");
  assertFileError(withFields({ num_transformer_submodules: 2 }), "is 2, which is not implemented");
  assertFileError(withFields({ task_type: "SEQ_CLS" }), '"SEQ_CLS", which is not implemented');
  assertFileError(withFields({ modules_to_save: ["norm"] }), "which is not implemented");
});

Deno.test("keys that virtual tokens have no use for are refused", () => {
  const refuses = (key: string, value: string, method = "prefix_tuning") =>
    assert.throws(
      () =>
        parseConfig({
          flags: { model: "m", data: "rows.jsonl", "adapter.method": method, [key]: value },
        }),
      new RegExp(`${key}.* beside adapter\\.method ${method}, where it has no effect`),
    );
  for (const name of ["rank", "alpha", "trainable_token_indices"]) refuses(`adapter.${name}`, "5");
  refuses("adapter.targets", "q_proj");
  refuses("adapter.modules_to_save", "norm");
  refuses("adapter.init", "pissa");
  refuses("adapter.prompt_tuning_init_text", "abc");
  refuses("adapter.num_virtual_tokens", "5", "lora");
  refuses("train.neftune_noise_alpha", "5");
  refuses("train.lora_plus_ratio", "16");
});
