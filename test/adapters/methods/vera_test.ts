/** VeRA: what it begins with, its projections in files, and what it is not built for. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter, type AdapterOptions } from "../../../src/adapters/adapter.ts";
import { continued, settingsOf } from "../../../src/adapters/continued.ts";
import { mergeAdapter } from "../../../src/adapters/merge.ts";
import { readPeft, writePeft } from "../../../src/adapters/peft/folder.ts";
import { tensorsOf } from "../../../src/adapters/peft/tensors.ts";
import { parseConfig } from "../../../src/config/mod.ts";
import { ConfigError, FileError } from "../../../src/errors.ts";
import { exportMlx } from "../../../src/export/mlx.ts";
import { readJsonObject, writeJson } from "../../../src/io/files.ts";
import { openSafetensors, writeSafetensors } from "../../../src/io/safetensors/safetensors.ts";
import { Model } from "../../../src/models/model.ts";
import { guarded, remeasure, reportOf } from "../../forgetting/guarded_toy.ts";
import { assertFileError } from "../../io/helpers.ts";
import { freshEngine, withTiny } from "../../models/tiny.ts";
import { Toy, type ToySettings } from "../../train/toy.ts";

/** A fresh adapter on a tiny model. */
async function fresh(model: Model, options: Partial<AdapterOptions> = {}) {
  const engine = await freshEngine();
  const given = { rank: 6, alpha: 32, targets: "all-linear", method: "vera", ...options } as const;
  const adapter = Adapter.fresh(engine, model, given);
  const { graph } = model.lossGraph(engine, { T: 8, adapt: adapter.adapt });
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  adapter.load(engine.store, 7);
  return { engine, read: await adapter.read(engine.store, "") };
}

Deno.test("a fresh adapter is the base: b zero, d a tenth, two projections for all modules", () =>
  withTiny({}, async (folder, { layers, hidden, inner }) => {
    using model = new Model(folder);
    const { engine, read } = await fresh(model);
    assert.equal(read.modules.length, 7 * layers);
    const down = read.modules.find(({ module }) => module.endsWith("down_proj"))!;
    const up = read.modules.find(({ module }) => module.endsWith("up_proj"))!;
    assert.equal(down.a.length, 6 * inner);
    assert.equal(up.b.length, 6 * inner);
    for (const { a, b, lambdaB, lambdaD, outFeatures, inFeatures } of read.modules) {
      assert.deepEqual(lambdaB, new Float32Array(outFeatures));
      assert.deepEqual(lambdaD, new Float32Array(6).fill(0.1));
      for (let r = 0; r < 6; r++) {
        const row = a.subarray(r * inFeatures, (r + 1) * inFeatures);
        assert.deepEqual(row, down.a.subarray(r * inner, r * inner + inFeatures));
      }
      assert.deepEqual(b, up.b.subarray(0, 6 * outFeatures));
    }
    const bound = Math.sqrt(6 / inner);
    const largest = Math.max(...down.a.map(Math.abs));
    assert.ok(largest <= bound && largest > 0.9 * bound, "uniform as Kaiming's");

    const saved = join(folder, "../saved");
    writePeft(saved, read);
    using file = openSafetensors(join(saved, "adapter_model.safetensors"));
    assert.deepEqual(file.tensors.get("base_model.vera_A")!.shape, [6, inner]);
    assert.deepEqual(file.tensors.get("base_model.vera_B")!.shape, [inner, 6]);
    const { config, rank } = readPeft(saved);
    assert.deepEqual([rank, config["r"], config["save_projection"]], [6, 6, true]);
    assert.ok(!("lora_alpha" in config) && !("lora_dropout" in config), "PEFT would not read them");
    const out = join(folder, "../merged");
    assert.equal(mergeAdapter(folder, saved, out).changed.length, 7 * layers);
    using merged = new Model(out);
    const of = (model: Model) => model.checkpoint.read("model.layers.0.self_attn.q_proj.weight");
    assert.deepEqual(of(merged), of(model));
    assert.equal(hidden % 4, 0);
    engine.store.destroy();
  }));

Deno.test("an adapter goes on as it was saved, and as nothing else", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const { engine, read } = await fresh(model, { targets: ["k_proj", "down_proj"], dropout: 0.2 });
    const saved = join(folder, "../saved");
    writePeft(saved, read);
    const again = readPeft(saved);
    assert.equal(again.config["vera_dropout"], 0.2);
    const settings = settingsOf(again);
    assert.deepEqual([settings.rank, settings.dropout], [6, 0.2]);
    const asked = { rank: 6, alpha: 12, targets: ["k_proj", "down_proj"], from: "folder" };
    assert.equal(continued(engine, model, again, asked).tensors.length, 4);
    const refuses = (changes: Partial<AdapterOptions>, message: RegExp) =>
      assert.throws(
        () => continued(engine, model, again, { ...asked, ...changes }),
        (fault: Error) => fault instanceof ConfigError && message.test(fault.message),
      );
    refuses({ method: "lora" }, /adapter\.method: found "lora", but .* has "vera"/);
    refuses({ rank: 4 }, /adapter\.rank: found 4, but .* has 6/);
    refuses({ targets: ["k_proj"] }, /adapter\.targets: found \["k_proj"\]/);
    engine.store.destroy();
  }));

Deno.test("what VeRA has no use for, and files that lack what it needs, are refused by name", () =>
  withTiny({ tied: false }, async (folder) => {
    using model = new Model(folder);
    const refused = (options: Partial<AdapterOptions>, message: RegExp) =>
      assert.rejects(
        fresh(model, options),
        (fault: Error) => fault instanceof ConfigError && message.test(fault.message),
      );
    for (const target of ["lm_head", "model.embed_tokens"]) {
      await refused(
        { targets: ["q_proj", target] },
        new RegExp(`is vera, .* found ${target} among`),
      );
    }
    await refused({ init: "olora" }, /found "olora" beside adapter.method vera/);
    const idle = (key: string, value: string) =>
      assert.throws(() =>
        parseConfig({
          flags: { model: folder, data: "rows.jsonl", "adapter.method": "vera", [key]: value },
        }), new RegExp(`${key}.* beside adapter\\.method vera, where it has no effect`));
    for (const key of ["alpha", "trainable_token_indices"]) idle(`adapter.${key}`, "5");
    idle("adapter.rank_pattern", '{"q_proj": 2}');
    idle("adapter.rslora", "true");
    idle("adapter.freeze_a", "true");
    idle("adapter.bias", "all");

    const { engine, read } = await fresh(model, { targets: ["q_proj", "down_proj"] });
    assertFileError(() => exportMlx(read, join(folder, "../out")), "plain LoRA alone, found vera");
    const saved = join(folder, "../saved");
    writePeft(saved, read);
    const path = join(saved, "adapter_config.json");
    const config = readJsonObject(path);
    writeJson(path, { ...config, save_projection: false });
    assertFileError(() => readPeft(saved), '"save_projection" is false', "wanted them saved");
    writeJson(path, { ...config, r: 5 });
    assertFileError(() => readPeft(saved), "vera_A", "shape [6,48], wanted rank 5");
    writeJson(path, config);
    const weights = join(saved, "adapter_model.safetensors");
    const tensors = tensorsOf(read);
    const without = tensors.filter(({ name }) => name !== "base_model.vera_B");
    writeSafetensors(weights, without);
    assertFileError(() => readPeft(saved), "it has no base_model.vera_B");
    writeSafetensors(weights, [
      ...without,
      { name: "base_model.vera_B", dtype: "F32", shape: [28, 6], data: new Uint8Array(4 * 28 * 6) },
    ]);
    const small = readPeft(saved);
    const own = Adapter.of(engine, model, small);
    assert.throws(
      () => own.load(engine.store, 0),
      (fault: Error) =>
        fault instanceof FileError && /vera_B is for modules of 28 outputs/.test(fault.message),
    );
    assertFileError(() => mergeAdapter(folder, saved, join(folder, "../merged")), "28 outputs");
    writeSafetensors(
      weights,
      tensors.map((tensor) =>
        tensor.name.endsWith("0.self_attn.q_proj.vera_lambda_d")
          ? { ...tensor, shape: [5], data: new Uint8Array(20) }
          : tensor
      ),
    );
    assertFileError(() => readPeft(saved), "vera_lambda_d", "shape [5], wanted [6]");
    engine.store.destroy();
  }));

const adapter = { method: "vera", rank: 6 } as const;

Deno.test("a guarded run of VeRA certifies what it ships, as a reader measures it", async () => {
  using toy = new Toy({ dtype: "BF16" });
  const { forgetting } = await toy.train("run", {
    ...guarded(toy, { every: 3 }),
    ...{ adapter, train: { steps: 9, lr: 0.03 } },
  });
  const [first, ...rest] = toy.metrics("run");
  assert.equal(first!["guard_loss"], 0, "the adapter begins as the base");
  assert.ok(rest.at(-1)!.loss < first!.loss);
  assert.ok(forgetting!.certified);
  const { shift } = reportOf(toy, "run").domains[0].control;
  const found = await remeasure(toy, "run", "ppl:5%");
  assert.ok(Math.abs(found.mean - shift) < 1e-6, `${found.mean}, reported ${shift}`);
});

Deno.test("a run of VeRA that drops out and is stopped ends with the same bytes", async () => {
  using toy = new Toy();
  const settings: ToySettings = {
    ...{ guard: false, adapter: { ...adapter, dropout: 0.1 } },
    train: { steps: 6, checkpoint_every: 4, recompute: true, weight_decay: 0.1 },
  };
  await toy.train("run", settings);
  let asked = 0;
  await toy.train("stopped", settings, { stopWanted: () => ++asked === 5 });
  await toy.train("stopped", settings, { resume: true });
  assert.deepEqual(toy.adapter("stopped"), toy.adapter("run"));
  await toy.train("plain", { ...settings, adapter });
  assert.notDeepEqual(toy.adapter("plain"), toy.adapter("run"), "something drops out");
});
