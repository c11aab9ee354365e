/** DoRA: what it begins with, and what it is not built for. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter } from "../../../src/adapters/adapter.ts";
import { type PeftAdapter, readPeft, writePeft } from "../../../src/adapters/peft/folder.ts";
import { tensorsOf } from "../../../src/adapters/peft/tensors.ts";
import { ConfigError } from "../../../src/errors.ts";
import { exportGgufLora } from "../../../src/export/gguf_lora.ts";
import { exportMlx } from "../../../src/export/mlx.ts";
import {
  type TensorData,
  toFloat32,
  writeSafetensors,
} from "../../../src/io/safetensors/safetensors.ts";
import { batch } from "../../../src/data/mod.ts";
import { readFloats } from "../../../src/gpu/buffer.ts";
import { LossProgram } from "../../../src/models/loss_program.ts";
import { Model } from "../../../src/models/model.ts";
import { rowNorms } from "../../../src/models/norms.ts";
import { assertFileError } from "../../io/helpers.ts";
import { freshEngine, tinyExamples, withTiny } from "../../models/tiny.ts";

/** A fresh DoRA adapter on a tiny model. */
async function fresh(model: Model, targets: "all-linear" | string[] = "all-linear") {
  const engine = await freshEngine();
  const options = { rank: 3, alpha: 6, targets, method: "dora" } as const;
  const adapter = Adapter.fresh(engine, model, options);
  const { graph } = model.lossGraph(engine, { T: 8, adapt: adapter.adapt });
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  adapter.load(engine.store, 7);
  return { engine, adapter, read: await adapter.read(engine.store, "") };
}

Deno.test("a fresh adapter has the base's norms for magnitudes", () =>
  withTiny({ dtype: "BF16" }, async (folder, { layers }) => {
    using model = new Model(folder);
    const { engine, read } = await fresh(model);
    assert.equal(read.modules.length, 7 * layers);
    for (const { module, magnitude, outFeatures, inFeatures } of read.modules) {
      const name = `${module}.weight`;
      const numbers = toFloat32(model.checkpoint.read(name), "BF16");
      const wanted = Float32Array.from(
        { length: outFeatures },
        (_, row) => Math.hypot(...numbers.subarray(row * inFeatures, (row + 1) * inFeatures)),
      );
      const apart = wanted.map((x, row) => Math.abs(x - magnitude![row]!) / x);
      assert.ok(Math.max(...apart) < 1e-7, module);
      assert.deepEqual(magnitude, rowNorms(model.tensors, name));
    }
    engine.store.destroy();
  }));

Deno.test("on a base that is rounded at load, the norms are those of what the device holds", () =>
  withTiny({ dtype: "BF16" }, async (folder, { vocab }) => {
    using model = new Model(folder, { quantize: "q4_0" });
    using plain = new Model(folder);
    const { engine, adapter, read } = await fresh(model);
    const name = `${read.modules[0]!.module}.weight`;
    const [rounded, exact] = [model, plain].map(({ tensors }) => rowNorms(tensors, name));
    assert.deepEqual(read.modules[0]!.magnitude, rounded);
    assert.notDeepEqual(rounded, exact);
    const losses: number[][] = [];
    for (const adapt of [undefined, adapter.adapt]) {
      const program = await LossProgram.open(engine, model, { T: 40, adapt });
      program.feed(batch(tinyExamples(vocab), 40));
      program.run();
      losses.push([...await readFloats(engine.device, program.compiled.output("losses"))]);
      program.compiled.destroy();
    }
    assert.deepEqual(losses[1], losses[0], "a fresh adapter is the base bit for bit");
    engine.store.destroy();
  }));

Deno.test("what DoRA is not built for is refused by name", () =>
  withTiny({ tied: false }, async (folder) => {
    using model = new Model(folder);
    for (const target of ["lm_head", "model.embed_tokens"]) {
      await assert.rejects(
        fresh(model, ["q_proj", target]),
        (fault: Error) =>
          fault instanceof ConfigError &&
          fault.message.includes(`method is dora`) && fault.message.includes(`found ${target}`),
      );
    }
    const { engine, read } = await fresh(model, ["q_proj"]);
    const out = join(folder, "../out");
    const holds = ["holds plain LoRA alone, found dora", "merge it"];
    assertFileError(() => exportGgufLora(folder, read, out), "a GGUF adapter", ...holds);
    assertFileError(() => exportMlx(read, out), "an mlx-lm adapter", ...holds);

    const saved = join(folder, "../saved");
    const [module] = read.modules;
    const write = (changes: Partial<PeftAdapter>) => writePeft(saved, { ...read, ...changes });
    write({ config: {}, modules: read.modules });
    assert.throws(() =>
      Adapter.of(engine, model, {
        ...readPeft(saved),
        modules: [
          { ...module!, module: "lm_head", outFeatures: 61, b: new Float32Array(61 * 3) },
        ],
        config: { use_dora: true },
      }), /method is dora, .* found lm_head/);
    const table = { ...module!, isTable: true, module: "model.embed_tokens" };
    write({ config: {}, modules: [table], targetModules: ["embed_tokens"] });
    const config = join(saved, "adapter_config.json");
    const text = Deno.readTextFileSync(config);
    Deno.writeTextFileSync(config, text.replace('"use_dora": false', '"use_dora": true'));
    assertFileError(() => readPeft(saved), "embed_tokens", "is a table", "with dora");
    engine.store.destroy();
  }));

Deno.test("a folder with a magnitude missing or of another length is refused", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const { engine, read } = await fresh(model, ["q_proj"]);
    const saved = join(folder, "../saved");
    const weights = join(saved, "adapter_model.safetensors");
    writePeft(saved, read);
    const tensors = tensorsOf(read);
    const isMagnitude = ({ name }: TensorData) => name.endsWith("lora_magnitude_vector");
    writeSafetensors(weights, tensors.filter((tensor) => !isMagnitude(tensor)));
    assertFileError(() => readPeft(saved), "q_proj", "but no lora_magnitude_vector");
    const short = { shape: [28], data: new Uint8Array(4 * 28) };
    writeSafetensors(weights, tensors.map((t) => isMagnitude(t) ? { ...t, ...short } : t));
    assertFileError(() => readPeft(saved), "lora_magnitude_vector", "shape [28], wanted [32]");
    engine.store.destroy();
  }));
