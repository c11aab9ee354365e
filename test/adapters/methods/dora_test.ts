/** DoRA: merged, at a scaling, in folders, and what it is not built for. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter } from "../../../src/adapters/adapter.ts";
import { mergeAdapter } from "../../../src/adapters/merge.ts";
import { type PeftAdapter, readPeft, writePeft } from "../../../src/adapters/peft/folder.ts";
import { tensorsOf } from "../../../src/adapters/peft/tensors.ts";
import { atScaling } from "../../../src/adapters/scaling.ts";
import { ConfigError } from "../../../src/errors.ts";
import { exportGgufLora } from "../../../src/export/gguf_lora.ts";
import { exportMlx } from "../../../src/export/mlx.ts";
import { openCheckpoint } from "../../../src/io/checkpoint.ts";
import {
  openSafetensors,
  type TensorData,
  toFloat32,
  writeSafetensors,
} from "../../../src/io/safetensors/safetensors.ts";
import { batch } from "../../../src/data/mod.ts";
import { readFloats } from "../../../src/gpu/buffer.ts";
import { LossProgram } from "../../../src/models/loss_program.ts";
import { Model } from "../../../src/models/model.ts";
import { rowNorms } from "../../../src/models/norms.ts";
import { applySnapshot, takeSnapshot } from "../../../src/forgetting/select/strength.ts";
import { openGoldenAdapter, report, testsOf } from "../../golden/checks.ts";
import { logitsError, packedLogits, readAdapterGolden } from "../../golden/golden.ts";
import { assertFileError } from "../../io/helpers.ts";
import { freshEngine, tinyExamples, withTiny } from "../../models/tiny.ts";

/** Norm and product with cos(0), cos(1), ... as make_golden.py has them. */
function summary(numbers: Float32Array): [number, number] {
  return [Math.hypot(...numbers), numbers.reduce((sum, x, i) => sum + x * Math.cos(i), 0)];
}

for (const name of ["dora", "dora_conv1d"]) {
  const golden = readAdapterGolden(name);
  const test = testsOf(name, golden);

  test("what PEFT wrote is written again, bit for bit", (folder) => {
    const again = join(folder, "../again");
    writePeft(again, readPeft(join(folder, "adapter")));
    using before = openSafetensors(join(folder, "adapter/adapter_model.safetensors"));
    using after = openSafetensors(join(again, "adapter_model.safetensors"));
    assert.deepEqual([...after.tensors.keys()].sort(), [...before.tensors.keys()].sort());
    for (const tensor of before.tensors.keys()) {
      assert.deepEqual(after.read(tensor), before.read(tensor), tensor);
    }
    assert.equal(readPeft(again).config["use_dora"], true);
    return Promise.resolve();
  });

  test("merged weights are PEFT's, and the merged folder gives the adapter's logits", async (folder) => {
    const out = join(folder, "../merged");
    const { changed } = mergeAdapter(folder, join(folder, "adapter"), out);
    const wanted = Object.entries(golden.merged!);
    assert.ok(wanted.every(([tensor]) => changed.includes(tensor)));
    using merged = openCheckpoint(out);
    for (const [tensor, [norm, product]] of wanted) {
      const found = summary(toFloat32(merged.read(tensor), "F32"));
      report(`${tensor}: norm`, Math.abs(found[0] - norm) / norm, 1e-6);
      report(`${tensor}: product`, Math.abs(found[1] - product) / norm, 1e-6);
    }
    Deno.copyFileSync(join(folder, "tokenizer.json"), join(out, "tokenizer.json"));
    using model = new Model(out);
    const engine = await freshEngine();
    const logits = await packedLogits(engine, model, golden.examples);
    report("logits", logitsError(logits, golden, "lora_logits"), 1e-5);
    engine.store.destroy();
  });

  test("scaling 0 is the base bit for bit, and a scaling the same in graph, folder and merge", async (folder) => {
    using model = new Model(folder);
    const { engine, adapter } = await openGoldenAdapter(folder, model, false);
    const { adapt } = adapter;
    const { store } = engine;
    const base = await packedLogits(engine, model, golden.examples);
    const snapshot = await takeSnapshot(store);
    const saved = readPeft(join(folder, "adapter"));
    for (const scaling of [0, 0.3, 1]) {
      applySnapshot(store, snapshot, scaling, (param) => adapter.base(param));
      const found = await packedLogits(engine, model, golden.examples, { adapt });
      if (scaling === 0) assert.deepEqual(found, base);
      const partly = atScaling(saved, scaling, model.tensors);
      const [at, out] = [`../at-${scaling}`, `../merged-${scaling}`].map((p) => join(folder, p));
      writePeft(at!, partly);
      const read = Adapter.of(engine, model, readPeft(at!));
      read.load(store, 0);
      const again = await packedLogits(engine, model, golden.examples, { adapt: read.adapt });
      const apart = again.flatMap((x, i) => [...x].map((y, j) => Math.abs(y - found[i]![j]!)));
      report(`graph and folder at ${scaling}`, Math.max(...apart), scaling === 0 ? 0 : 1e-5);
      if (scaling > 0) continue;
      mergeAdapter(folder, at!, out!);
      using merged = openCheckpoint(out!);
      for (const tensor of merged.tensors.keys()) {
        assert.deepEqual(merged.read(tensor), model.checkpoint.read(tensor), tensor);
      }
    }
    store.destroy();
  });
}

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
