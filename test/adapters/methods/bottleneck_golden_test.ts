/** Bottleneck adapters against AdapterHub's library and torch: see make_bottleneck.py. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { hubTensors } from "../../../src/adapters/peft/adapter_hub.ts";
import { readPeft, writePeft } from "../../../src/adapters/peft/folder.ts";
import { Generator } from "../../../src/inference/generator.ts";
import { readText } from "../../../src/io/files.ts";
import { openSafetensors, toFloat32 } from "../../../src/io/safetensors/safetensors.ts";
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

for (const name of ["seq_bn", "double_seq_bn", "par_bn", "double_seq_bn_gpt2"]) {
  const golden = readAdapterGolden(name);
  const test = testsOf(name, golden);

  test("logits, packed and cached, and gradients equal golden", async (folder) => {
    using model = new Model(folder);
    for (const recompute of [false, true]) {
      const { engine, adapter, options } = await openGoldenAdapter(folder, model, recompute);
      const { adapt } = options;
      const packed = await packedLogits(engine, model, golden.examples, { adapt });
      report("logits", logitsError(packed, golden, "lora_logits"), 1e-5);
      using generator = await Generator.open(engine, model, { adapt });
      const cached: Float32Array[] = [];
      for (const ids of golden.ids) {
        const rows = (await Array.fromAsync(generator.scores(ids))).map((row) => [...row]);
        cached.push(Float32Array.from(rows.flat()));
      }
      report("cached logits", logitsError(cached, golden, "lora_logits"), 1e-5);
      const program = await LossProgram.open(engine, model, options);
      report("loss", Math.abs(await lossOf(program, golden) / golden.losses[0]! - 1), RELATIVE);
      const read = await adapter.read(engine.store, "", "gradients");
      const gradients = hubTensors(read);
      const wanted = [...golden.tensors.keys()].filter((tensor) => tensor.startsWith("gradient/"));
      assert.equal(gradients.length, wanted.length, "nothing else is trained");
      for (const { name, data } of gradients) {
        const { numbers } = golden.tensors.get(`gradient/${name}`)!;
        const found = toFloat32(data as Uint8Array, "F32");
        assert.equal(found.length, numbers.length);
        const error = Math.hypot(...numbers.map((x, i) => x - found[i]!)) / Math.hypot(...numbers);
        report(`gradient of ${name}`, error, RELATIVE);
      }
      program.compiled.destroy();
      engine.store.destroy();
    }
  });

  test("ten updates make the golden losses", (folder) => checkTraining(folder, golden));

  test("what AdapterHub's library wrote is written again, bit for bit", (folder) => {
    const [before, after] = [join(folder, "adapter"), join(folder, "../again")];
    writePeft(after, readPeft(before));
    using wrote = openSafetensors(join(before, "adapter.safetensors"));
    using writes = openSafetensors(join(after, "adapter.safetensors"));
    assert.deepEqual(new Set(writes.tensors.keys()), new Set(wrote.tensors.keys()));
    for (const tensor of wrote.tensors.keys()) {
      assert.deepEqual(writes.read(tensor), wrote.read(tensor), tensor);
    }
    const config = readText(join(after, "adapter_config.json"));
    assert.deepEqual(JSON.parse(config), golden.adapter);
    assert.match(config, /"scaling": \d\.\d/); // Python takes no whole number there
    return Promise.resolve();
  });
}
