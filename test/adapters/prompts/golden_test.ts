/** Virtual tokens in front of documents against PEFT and torch: see make_prompts.py. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readPeft, writePeft } from "../../../src/adapters/peft/folder.ts";
import { Generator } from "../../../src/inference/generator.ts";
import { openSafetensors } from "../../../src/io/safetensors/safetensors.ts";
import { LossProgram } from "../../../src/models/loss_program.ts";
import { Model } from "../../../src/models/model.ts";
import {
  checkTraining,
  lossOf,
  openGoldenAdapter,
  RELATIVE,
  report,
  testsOf,
} from "../../golden/checks.ts";
import { logitsError, packedLogits, readAdapterGolden } from "../../golden/golden.ts";
import { prepended } from "./prepended.ts";

const CASES = [
  ...["prompt_tuning", "prompt_tuning_gpt2", "prompt_tuning_scaled"],
  ...["prefix_tuning", "prefix_tuning_gpt2", "prefix_tuning_qwen3"],
];

for (const name of CASES) {
  const recorded = readAdapterGolden(name);
  const tokens = recorded.adapter["num_virtual_tokens"] as number;
  const test = testsOf(name, recorded);

  test("logits, packed and cached, and gradients equal golden", async (folder) => {
    using model = new Model(folder);
    for (const recompute of [false, true]) {
      const { engine, adapter, options } = await openGoldenAdapter(folder, model, recompute);
      const golden = prepended(model, recorded);
      const program = await LossProgram.open(engine, model, options);
      const loss = await lossOf(program, golden);
      report("loss", Math.abs(loss / golden.losses[0]! - 1), RELATIVE);
      const { prompt } = await adapter.read(engine.store, "", "gradients");
      const wanted = golden.tensors.get("gradient/embedding.weight")!.numbers;
      const error = Math.hypot(...wanted.map((x, i) => x - prompt!.numbers[i]!)) /
        Math.hypot(...wanted);
      report("gradients", error, RELATIVE);
      program.compiled.destroy();
      if (!recompute) {
        const { adapt } = adapter;
        const own = (all: Float32Array, { length }: readonly number[]) =>
          all.subarray(all.length - all.length / (length + tokens) * length);
        const packed = await packedLogits(engine, model, golden.examples, { adapt });
        const found = packed.map((all, i) => own(all, golden.ids[i]!));
        report("logits", logitsError(found, golden, "lora_logits"), 1e-5);
        using generator = await Generator.open(engine, model, { adapt });
        const cached: Float32Array[] = [];
        for (const { ids } of golden.examples) {
          const rows = (await Array.fromAsync(generator.scores([...ids]))).map((row) => [...row]);
          cached.push(Float32Array.from(rows.slice(tokens).flat()));
        }
        report("cached logits", logitsError(cached, golden, "lora_logits"), 1e-5);
      }
      engine.store.destroy();
    }
  });

  test("ten updates make the golden losses", (folder) => checkTraining(folder, recorded));

  test("what PEFT wrote is written again, bit for bit", (folder) => {
    const [before, after] = [join(folder, "adapter"), join(folder, "../again")];
    writePeft(after, readPeft(before));
    using wrote = openSafetensors(join(before, "adapter_model.safetensors"));
    using writes = openSafetensors(join(after, "adapter_model.safetensors"));
    assert.deepEqual([...writes.tensors.keys()], [...wrote.tensors.keys()]);
    assert.deepEqual(writes.read("prompt_embeddings"), wrote.read("prompt_embeddings"));
    const { peft_version: _, ...config } = readPeft(before).config;
    for (const field of Object.keys(config).filter((field) => !field.startsWith("encoder_"))) {
      assert.deepEqual(readPeft(after).config[field], config[field], field);
    }
    return Promise.resolve();
  });
}
