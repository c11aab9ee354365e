/** A PEFT adapter on a real Llama: loss and gradients against reference values in f64. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter } from "../../src/adapters/adapter.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { batch, type Example } from "../../src/data/mod.ts";
import { readFloats } from "../../src/gpu/buffer.ts";
import { openSafetensors, toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { noSharedData, sharedData } from "../io/helpers.ts";
import { freshEngine } from "./tiny.ts";

interface Reference {
  batch: { input_ids: number[]; labels: number[] }[];
  base_loss_without_adapter: number;
  loss_with_adapter: number;
}

const T = 256;
const folder = join(sharedData, "golden/lora_stories260K_r4_qv");

Deno.test({
  name: "loss and gradients of a PEFT adapter equal golden",
  ignore: noSharedData,
  fn: async () => {
    const reference: Reference = JSON.parse(Deno.readTextFileSync(join(folder, "reference.json")));
    const examples = reference.batch.map(({ input_ids, labels }, i): Example => ({
      ids: Uint32Array.from(input_ids),
      labels: Int32Array.from(labels),
      origin: `sequence ${i}`,
    }));
    const packed = batch(examples, T);
    const weights = new Float32Array(packed.supervised).fill(1 / packed.supervised);
    const engine = await freshEngine();
    using model = new Model(join(sharedData, "models/stories260K"));
    const lossOf = async (program: LossProgram) => {
      program.feed(packed, weights);
      program.run();
      return (await readFloats(engine.device, program.compiled.output("loss")))[0]!;
    };

    const base = await LossProgram.open(engine, model, { T });
    assertRelative(await lossOf(base), reference.base_loss_without_adapter, 1e-5);

    const lora = Adapter.of(engine, model, readPeft(folder));
    const options = { T, adapt: lora.adapt, train: true };
    const { graph } = model.lossGraph(engine, options);
    engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
    lora.load(engine.store, 0);
    const program = await LossProgram.open(engine, model, options);
    assertRelative(await lossOf(program), reference.loss_with_adapter, 1e-5);

    using gradients = openSafetensors(join(folder, "grad_step0.safetensors"));
    assert.equal(gradients.tensors.size, engine.store.paramNames.length);
    for (const [name, { dtype }] of gradients.tensors) {
      const expected = toFloat32(gradients.read(name), dtype);
      const param = name.replace(/^base_model\.model\./, "");
      const found = await engine.store.readParam(param, "gradients");
      const error = Math.hypot(...expected.map((x, i) => x - found[i]!)) / Math.hypot(...expected);
      assert.ok(error < 1e-4, `${param}: a relative error of ${error}`);
    }
    base.compiled.destroy();
    program.compiled.destroy();
    engine.store.destroy();
  },
});

function assertRelative(found: number, expected: number, bound: number): void {
  const error = Math.abs(found - expected) / expected;
  assert.ok(error <= bound, `found ${found}, wanted ${expected}, a relative ${error}`);
}
