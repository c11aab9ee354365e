/** Encoders of virtual tokens against PEFT and torch (see make_prompts.py), and in runs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter } from "../../../src/adapters/adapter.ts";
import { readPeft, writePeft } from "../../../src/adapters/peft/folder.ts";
import { parseConfig } from "../../../src/config/mod.ts";
import { ConfigError } from "../../../src/errors.ts";
import { readFloats } from "../../../src/gpu/buffer.ts";
import type { Engine } from "../../../src/graph/compile.ts";
import { openSafetensors } from "../../../src/io/safetensors/safetensors.ts";
import { LossProgram } from "../../../src/models/loss_program.ts";
import { Model } from "../../../src/models/model.ts";
import { blocksOf } from "../../../src/models/weights.ts";
import { adamw } from "../../../src/ops/mod.ts";
import { groupsOf } from "../../../src/train/groups.ts";
import { Optimizer } from "../../../src/train/optimizer.ts";
import { lossOf, RELATIVE, report, testsOf } from "../../golden/checks.ts";
import {
  type Golden,
  logitsError,
  packedLogits,
  readAdapterGolden,
  T,
} from "../../golden/golden.ts";
import { freshEngine } from "../../models/tiny.ts";
import { Toy, type ToySettings } from "../../train/toy.ts";
import { prepended } from "./prepended.ts";

const CASES = ["p_tuning", "p_tuning_gpt2", "prefix_projection"];

/** An encoder whose params are those that PEFT began with. */
async function opened(golden: Golden, model: Model, recompute: boolean) {
  const engine = await freshEngine();
  const { adapter: config } = golden;
  const adapter = Adapter.fresh(engine, model, {
    ...{ method: config["peft_type"] === "P_TUNING" ? "p_tuning" : "prefix_tuning" },
    ...{ rank: 1, alpha: 1, targets: "all-linear" },
    num_virtual_tokens: config["num_virtual_tokens"] as number,
    encoder_hidden_size: config["encoder_hidden_size"] as number,
    ...(config["prefix_projection"] === true && { prefix_projection: true }),
  });
  const options = { T, adapt: adapter.adapt, train: true, recompute };
  const { graph } = model.lossGraph(engine, options);
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  adapter.load(engine.store, 0);
  for (const [name, numbers] of paramsOf(golden, engine, "param")) {
    engine.store.writeParam(name, numbers);
  }
  return { engine, adapter, options };
}

/** PEFT's numbers by the params that have them: of the last transform each layer's keys and values. */
function* paramsOf({ tensors, adapter }: Golden, { store }: Engine, kind: "param" | "gradient") {
  for (const { name, shape } of store.places) {
    const [, own = "", layer, part, ending] =
      /^prompt\.(.*?)(?:\.layers\.(\d+)\.(key|value))?\.(weight|bias)$/.exec(name)!;
    const { numbers } = tensors.get(`${kind}/${own}.${ending}`)!;
    const size = shape.reduce((product, n) => product * n, 1);
    const at = layer === undefined ? 0 : (2 * Number(layer) + Number(part === "value")) * size;
    const found = numbers.slice(at, at + size);
    const isTable = own === "embedding";
    if (isTable) {
      const padded = new Float32Array(size);
      padded.set(found.subarray(0, (adapter["num_virtual_tokens"] as number) * shape[1]!));
      yield [name, padded] as const;
    } else {yield [
        name,
        ending === "bias" ? found : blocksOf(found, shape as [number, number]),
      ] as const;}
  }
}

for (const name of CASES) {
  const recorded = readAdapterGolden(name);
  const tokens = recorded.adapter["num_virtual_tokens"] as number;
  const test = testsOf(name, recorded);

  test("logits, gradients, what is saved and ten losses equal golden", async (folder) => {
    using model = new Model(folder);
    for (const recompute of [false, true]) {
      const { engine, adapter, options } = await opened(recorded, model, recompute);
      const { store } = engine;
      const golden = prepended(model, recorded);
      const { adapt } = adapter;
      const packed = await packedLogits(engine, model, golden.examples, { adapt });
      const found = packed.map((all, i) => {
        const { length } = golden.ids[i]!;
        return all.subarray(all.length - all.length / (length + tokens) * length);
      });
      report("logits", logitsError(found, golden, "lora_logits"), 1e-5);
      const saved = await adapter.read(store, "");
      const { numbers: wanted } = golden.tensors.get("lora/prompt_embeddings")!;
      report("embeddings", distance(saved.prompt!.numbers, wanted), 1e-6);

      const program = await LossProgram.open(engine, model, options);
      const { lr, eps: epsilon, weight_decay, betas: [beta1, beta2] } = golden.adamw;
      const grouping = {
        ...{ lr, weight_decay, lora_plus_ratio: 1, lr_pattern: {}, weight_decay_pattern: {} },
      };
      const rule = adamw({ beta1, beta2, epsilon, clip: 0 });
      const groups = groupsOf(store.places, grouping, rule.goesBy);
      const optimizer = await Optimizer.open(engine, rule, 1, { groups });
      for (const [step, loss] of golden.losses.entries()) {
        report("losses", Math.abs(await lossOf(program, golden) / loss - 1), RELATIVE);
        if (step === 0) await checkGradients(golden, engine);
        optimizer.step(lr, step + 1, () => {});
      }
      optimizer.close();
      program.compiled.destroy();
      store.destroy();
    }
  });

  test("what PEFT wrote is written again, bit for bit", (folder) => {
    const [before, after] = [join(folder, "adapter"), join(folder, "../again")];
    writePeft(after, readPeft(before));
    using wrote = openSafetensors(join(before, "adapter_model.safetensors"));
    using writes = openSafetensors(join(after, "adapter_model.safetensors"));
    assert.deepEqual([...writes.tensors.keys()], [...wrote.tensors.keys()]);
    assert.deepEqual(writes.read("prompt_embeddings"), wrote.read("prompt_embeddings"));
    const { peft_version: _, ...config } = readPeft(before).config;
    for (const field of Object.keys(config)) {
      assert.deepEqual(readPeft(after).config[field], config[field], field);
    }
    return Promise.resolve();
  });
}

async function checkGradients(golden: Golden, engine: Engine): Promise<void> {
  for (const [name, wanted] of paramsOf(golden, engine, "gradient")) {
    const found = await readFloats(engine.device, engine.store.param(name, "gradients"));
    report(`gradient of ${name}`, distance(found, wanted), RELATIVE);
  }
}

/** Relative to the wanted numbers. */
function distance(found: Float32Array, wanted: Float32Array): number {
  assert.equal(found.length, wanted.length);
  return Math.hypot(...wanted.map((x, i) => x - found[i]!)) / Math.hypot(...wanted);
}

for (
  const adapter of [
    { method: "p_tuning", encoder_hidden_size: 8 },
    { method: "prefix_tuning", prefix_projection: true },
  ]
) {
  Deno.test(`a run of ${adapter.method} with an encoder learns, and ends with the same bytes if stopped`, async () => {
    using toy = new Toy({ dtype: "BF16" });
    const settings: ToySettings = {
      ...{ guard: false, adapter: { ...adapter, num_virtual_tokens: 3, rank: undefined } },
      train: { steps: 8, lr: 0.02, checkpoint_every: 4, recompute: true },
    };
    await toy.train("run", settings);
    const [first, ...rest] = toy.metrics("run");
    assert.ok(rest.at(-1)!.loss < first!.loss, `${first!.loss} to ${rest.at(-1)!.loss}`);
    const { prompt, config } = readPeft(toy.path("run", "adapter"));
    assert.equal(prompt!.tokens, 3);
    const { encoder_hidden_size: inner, prefix_projection } = config;
    assert.deepEqual([inner, prefix_projection], [
      adapter.encoder_hidden_size ?? 16,
      adapter.prefix_projection,
    ]);
    let asked = 0;
    await toy.train("stopped", settings, { stopWanted: () => ++asked === 5 });
    await toy.train("stopped", settings, { resume: true });
    assert.deepEqual(toy.adapter("stopped"), toy.adapter("run"));

    // Its file has what the encoder made, and that is what is trained on.
    const from = toy.path("run", "adapter");
    const train = { steps: 1, lr: 1e-30, weight_decay: 0 };
    await toy.train("on", { guard: false, train, adapter: { from } });
    assert.deepEqual(readPeft(toy.path("on", "adapter")).prompt, prompt);
    await assert.rejects(
      toy.train("off", { guard: false, train, adapter: { from, encoder_hidden_size: 8 } }),
      isConfigError(/adapter\.encoder_hidden_size: found 8, but the adapter in .* has no encoder/),
    );
  });
}

Deno.test("keys of encoders are refused where there is none, or for odd sizes", async () => {
  const refuses = (values: object, message: RegExp) =>
    assert.throws(
      () => parseConfig({ flags: { model: "m", data: "rows.jsonl", guard: "false", ...values } }),
      message,
    );
  const size = { "adapter.encoder_hidden_size": "8" };
  refuses({ "adapter.method": "prompt_tuning", ...size }, /beside adapter\.method prompt_tuning/);
  refuses({ "adapter.method": "prefix_tuning", ...size }, /8 without adapter\.prefix_projection/);
  refuses(
    { "adapter.method": "p_tuning", "adapter.prefix_projection": "true" },
    /true beside adapter\.method p_tuning/,
  );
  using toy = new Toy();
  const adapter = { method: "p_tuning", encoder_hidden_size: 6, rank: undefined };
  await assert.rejects(
    toy.train("odd", { guard: false, adapter, train: { steps: 1 } }),
    isConfigError(/adapter\.encoder_hidden_size: found 6, wanted a multiple of 4/),
  );
});

const isConfigError = (message: RegExp) => (fault: Error) =>
  fault instanceof ConfigError && message.test(fault.message);
