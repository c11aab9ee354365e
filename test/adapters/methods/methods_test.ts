/** Methods that do more than LoRA: their folders, merged, at a scaling. See make_adapters.py. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter } from "../../../src/adapters/adapter.ts";
import { mergeAdapter } from "../../../src/adapters/merge.ts";
import { readPeft, writePeft } from "../../../src/adapters/peft/folder.ts";
import { atScaling } from "../../../src/adapters/scaling.ts";
import { openCheckpoint } from "../../../src/io/checkpoint.ts";
import { openSafetensors, toFloat32 } from "../../../src/io/safetensors/safetensors.ts";
import { Model } from "../../../src/models/model.ts";
import { applySnapshot, takeSnapshot } from "../../../src/forgetting/select/strength.ts";
import { openGoldenAdapter, report, testsOf } from "../../golden/checks.ts";
import { logitsError, packedLogits, readAdapterGolden } from "../../golden/golden.ts";
import { freshEngine } from "../../models/tiny.ts";

/** Norm and product with cos(0), cos(1), ... as make_golden.py has them. */
function summary(numbers: Float32Array): [number, number] {
  return [Math.hypot(...numbers), numbers.reduce((sum, x, i) => sum + x * Math.cos(i), 0)];
}

const CASES = [
  ...["dora", "dora_conv1d", "ia3", "ia3_conv1d", "tokens_tied", "tokens_untied"],
  ...["vera", "vera_conv1d"],
];

for (const name of CASES) {
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
    const fields = [
      "peft_type",
      "r",
      "projection_prng_key",
      "save_projection",
      "use_dora",
      "feedforward_modules",
      "target_modules",
    ];
    for (const field of [...fields, "trainable_token_indices"]) {
      const [one, two] = [join(folder, "adapter"), again].map((of) => readPeft(of).config[field]);
      assert.deepEqual([two].flat().sort(), [one].flat().sort(), field);
    }
    return Promise.resolve();
  });

  test("merged weights are PEFT's, and the merged folder gives the adapter's logits", async (folder) => {
    const out = join(folder, "../merged");
    const { changed } = mergeAdapter(folder, join(folder, "adapter"), out);
    const wanted = Object.entries(golden.merged!);
    // The bias of a feed-forward module stays.
    assert.ok(wanted.every(([tensor]) => tensor.endsWith(".bias") || changed.includes(tensor)));
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
      const partly = atScaling(saved, scaling, engine, model);
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
