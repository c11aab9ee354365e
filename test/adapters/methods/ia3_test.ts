/** (IA)^3: what it begins with, how feed-forward modules are told, and what it is not built for. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter, type AdapterOptions } from "../../../src/adapters/adapter.ts";
import { continued, settingsOf } from "../../../src/adapters/continued.ts";
import { mergeAdapter } from "../../../src/adapters/merge.ts";
import { readPeft, writePeft } from "../../../src/adapters/peft/folder.ts";
import { tensorsOf } from "../../../src/adapters/peft/tensors.ts";
import { parseConfig } from "../../../src/config/mod.ts";
import { ConfigError } from "../../../src/errors.ts";
import { exportMlx } from "../../../src/export/mlx.ts";
import { openCheckpoint } from "../../../src/io/checkpoint.ts";
import { readJsonObject, writeJson } from "../../../src/io/files.ts";
import { writeSafetensors } from "../../../src/io/safetensors/safetensors.ts";
import { Model } from "../../../src/models/model.ts";
import { assertFileError } from "../../io/helpers.ts";
import { freshEngine, withTiny } from "../../models/tiny.ts";

/** A fresh adapter on a tiny model. */
async function fresh(model: Model, options: Partial<AdapterOptions> = {}) {
  const engine = await freshEngine();
  const given = { rank: 16, alpha: 32, targets: "all-linear", method: "ia3", ...options } as const;
  const adapter = Adapter.fresh(engine, model, given);
  const { graph } = model.lossGraph(engine, { T: 8, adapt: adapter.adapt });
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  adapter.load(engine.store, 7);
  return { engine, read: await adapter.read(engine.store, "") };
}

Deno.test("a fresh adapter scales by ones: inputs of the last feed-forward module, else outputs", () =>
  withTiny({}, async (folder, { layers, inner }) => {
    using model = new Model(folder);
    const { engine, read } = await fresh(model);
    assert.equal(read.modules.length, 7 * layers);
    for (const { module, scales, isFeedForward, outFeatures } of read.modules) {
      assert.equal(isFeedForward, module.endsWith("down_proj"), module);
      assert.deepEqual(scales, new Float32Array(isFeedForward ? inner : outFeatures).fill(1));
    }
    const saved = join(folder, "../saved");
    writePeft(saved, read);
    const { config } = readPeft(saved);
    assert.deepEqual(config["feedforward_modules"], ["down_proj"]);
    assert.ok(!("r" in config) && !("lora_alpha" in config), "PEFT would not read them");
    engine.store.destroy();
    const out = join(folder, "../merged");
    assert.equal(mergeAdapter(folder, saved, out).changed.length, 7 * layers);
    using merged = openCheckpoint(out);
    for (const tensor of merged.tensors.keys()) {
      assert.deepEqual(merged.read(tensor), model.checkpoint.read(tensor), tensor);
    }
  }));

Deno.test("where an end of names means both kinds, modules are named whole", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const { engine, read } = await fresh(model, {
      ...{ targets: ["q_proj", "down_proj"] },
      feedforward_modules: ["layers.1.mlp.down_proj"],
    });
    const saved = join(folder, "../saved");
    writePeft(saved, read);
    const { config, modules } = readPeft(saved);
    assert.deepEqual(config["feedforward_modules"], ["model.layers.1.mlp.down_proj"]);
    assert.equal((config["target_modules"] as string[]).length, 4);
    assert.deepEqual(
      modules.filter(({ isFeedForward }) => isFeedForward).map(({ module }) => module),
      ["model.layers.1.mlp.down_proj"],
    );
    engine.store.destroy();
  }));

Deno.test("an adapter goes on as it was saved, and as nothing else", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const { engine, read } = await fresh(model, { targets: ["k_proj", "down_proj"] });
    const settings = settingsOf(read);
    assert.ok(!("rank" in settings));
    const targets = ["k_proj", "down_proj"];
    const asked = { rank: 16, alpha: 32, targets, ...settings, from: "folder" };
    assert.equal(continued(engine, model, read, asked).tensors.length, 4);
    const refuses = (changes: Partial<AdapterOptions>, message: RegExp) =>
      assert.throws(
        () => continued(engine, model, read, { ...asked, ...changes }),
        (fault: Error) => fault instanceof ConfigError && message.test(fault.message),
      );
    refuses({ method: "lora" }, /adapter\.method: found "lora", but .* has "ia3"/);
    refuses(
      { feedforward_modules: ["k_proj"] },
      /adapter\.feedforward_modules: found \["k_proj"\]/,
    );
    refuses({ targets: ["k_proj"] }, /adapter\.targets: found \["k_proj"\]/);
    refuses({ dropout: 0.1 }, /adapter\.dropout: found 0\.1 with ia3/);
    engine.store.destroy();
  }));

Deno.test("what (IA)^3 has no use for is refused by name", () =>
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
        new RegExp(`is ia3, .* found ${target} among`),
      );
    }
    await refused({ feedforward_modules: ["o_pro"] }, /feedforward_modules has "o_pro", the model/);
    const idle = (key: string, value: string, method = "ia3") =>
      assert.throws(() =>
        parseConfig({
          flags: { model: folder, data: "rows.jsonl", "adapter.method": method, [key]: value },
        }), new RegExp(`${key}.* beside adapter\\.method ${method}, where it has no effect`));
    for (const key of ["rank", "alpha"]) idle(`adapter.${key}`, "5");
    idle("adapter.dropout", "0.5");
    idle("adapter.rslora", "true");
    idle("adapter.bias", "all");
    idle("adapter.feedforward_modules", "down_proj", "dora");

    const { engine, read } = await fresh(model, { targets: ["q_proj", "down_proj"] });
    assertFileError(() => exportMlx(read, join(folder, "../out")), "plain LoRA alone, found ia3");
    const saved = join(folder, "../saved");
    writePeft(saved, read);
    const path = join(saved, "adapter_config.json");
    const config = readJsonObject(path);
    writeJson(path, { ...config, lora_alpha: 8 });
    assertFileError(() => readPeft(saved), '"lora_alpha" is 8, which is not implemented');
    writeJson(path, { ...config, feedforward_modules: null });
    assertFileError(() => readPeft(saved), "down_proj", "shape [1,48], wanted [outputs, 1]");
    writeJson(path, config);
    const short = tensorsOf(read).map((tensor) =>
      tensor.shape[1] === 1 ? { ...tensor, shape: [28, 1], data: new Uint8Array(4 * 28) } : tensor
    );
    writeSafetensors(join(saved, "adapter_model.safetensors"), short);
    const misfit = readPeft(saved);
    assert.throws(
      () => Adapter.of(engine, model, misfit),
      /q_proj of \[28,0\], the model of \[32,32\]/,
    );
    assertFileError(() => mergeAdapter(folder, saved, join(folder, "../merged")), "q_proj", "28");
    engine.store.destroy();
  }));
