/** A fresh adapter on its way through the store into a PEFT folder and back. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter, type AdapterOptions } from "../../src/adapters/adapter.ts";
import { readPeft, writePeft } from "../../src/adapters/peft/folder.ts";
import { readJsonObject } from "../../src/io/files.ts";
import { Model } from "../../src/models/model.ts";
import { freshEngine, withTiny } from "../models/tiny.ts";

const OPTIONS: [options: Partial<AdapterOptions>, targetModules: string[]][] = [
  [{ targets: ["q_proj", "down_proj"] }, ["down_proj", "q_proj"]],
  [{ targets: ["v_proj", "o_proj"], layers: [1] }, [
    "model.layers.1.self_attn.o_proj",
    "model.layers.1.self_attn.v_proj",
  ]],
  // Of every linear module, too.
  [{ layers: [1], exclude: ".*\\.mlp\\..*" }, [
    "model.layers.1.self_attn.k_proj",
    "model.layers.1.self_attn.o_proj",
    "model.layers.1.self_attn.q_proj",
    "model.layers.1.self_attn.v_proj",
  ]],
  [{
    ...{ exclude: ".*\\.mlp\\..*", rslora: true },
    ...{ rank_pattern: { "layers.0.*q_proj": 5 }, alpha_pattern: { k_proj: 1 } },
  }, ["k_proj", "o_proj", "q_proj", "v_proj"]],
];

for (const [options, targetModules] of OPTIONS) {
  Deno.test(`Lora keeps ${JSON.stringify(options)} through a folder`, () =>
    withTiny({}, async (folder) => {
      const engine = await freshEngine();
      using model = new Model(folder);
      const all = { rank: 3, alpha: 6, targets: "all-linear", ...options };
      const lora = Adapter.fresh(engine, model, all);
      const { graph } = model.lossGraph(engine, { T: 8, adapt: lora.adapt });
      engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
      lora.load(engine.store, 7);
      const adapter = await lora.read(engine.store, folder);
      const out = join(folder, "../adapter");
      writePeft(out, adapter);
      const config = readJsonObject(join(out, "adapter_config.json"));
      assert.deepEqual(config["target_modules"], targetModules);
      assert.equal(config["use_rslora"], all.rslora ?? false);
      const read = readPeft(out);
      assert.deepEqual(read.modules, adapter.modules);
      const rankOf = (name: string) => read.modules.find(({ module }) => module === name)?.rank;
      if (options.rank_pattern) {
        assert.equal(rankOf("model.layers.0.self_attn.q_proj"), 5);
        assert.equal(rankOf("model.layers.1.self_attn.q_proj"), 3);
        const k = read.modules.find(({ module }) => module.endsWith("k_proj"))!;
        assert.ok(Math.abs(k.scale - 1 / Math.sqrt(3)) < 1e-12);
      }
      engine.store.destroy();
    }));
}
