/** Heads, embeddings, whole modules, biases and DoRA against PEFT and torch: see make_adapters.py. */
import assert from "node:assert/strict";
import { tensorsOf } from "../../src/adapters/peft/tensors.ts";
import { Generator } from "../../src/inference/generator.ts";
import { toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import {
  checkTraining,
  LOGITS,
  lossOf,
  openGoldenAdapter,
  RELATIVE,
  report,
  testsOf,
} from "../golden/checks.ts";
import { type Golden, logitsError, packedLogits, readAdapterGolden } from "../golden/golden.ts";

const CASES = [
  ...["head_and_embedding", "saved_and_lora_only", "tied_both_ends", "tied_one_end", "tied_saved"],
  ...["tied_conv1d", "neox", "dora", "dora_conv1d", "ia3", "ia3_conv1d", "frozen_a"],
  ...["tokens_tied", "tokens_untied", "tokens_scaled", "vera", "vera_conv1d"],
];

for (const name of CASES) {
  const golden = readAdapterGolden(name);
  const test = testsOf(name, golden);

  test("logits, packed and cached, and gradients equal golden", async (folder) => {
    await checkAdapter(folder, golden, false);
    await checkAdapter(folder, golden, true);
  });
  test("ten updates make the golden losses", (folder) => checkTraining(folder, golden));
}

async function checkAdapter(folder: string, golden: Golden, recompute: boolean): Promise<void> {
  using model = new Model(folder);
  const { engine, adapter, options } = await openGoldenAdapter(folder, model, recompute, golden);
  const { adapt } = options;

  const packed = await packedLogits(engine, model, golden.examples, { adapt });
  const isClose = golden.adapter["use_dora"] || golden.adapter["peft_type"] !== "LORA" ||
    golden.adapter["trainable_token_indices"] != null;
  const bound = isClose ? 1e-5 : LOGITS;
  report("logits", logitsError(packed, golden, "lora_logits"), bound);
  using generator = await Generator.open(engine, model, { adapt });
  const cached: Float32Array[] = [];
  for (const ids of golden.ids) {
    const rows = (await Array.fromAsync(generator.scores(ids))).map((row) => [...row]);
    cached.push(Float32Array.from(rows.flat()));
  }
  report("cached logits", logitsError(cached, golden, "lora_logits"), bound);

  const program = await LossProgram.open(engine, model, options);
  const loss = await lossOf(program, golden);
  report("loss", Math.abs(loss / golden.losses[0]! - 1), RELATIVE);
  const gradients = tensorsOf(await adapter.read(engine.store, "", "gradients"));
  const found = new Map(
    gradients.map(({ name, data }) => [name, data as Uint8Array] as const)
      .filter(([, { length }]) => length > 0), // what stays as it is has none
  );
  let most = 0;
  for (const [name, { numbers }] of golden.tensors) {
    const param = /^gradient\/(.*)/.exec(name)?.[1];
    if (!param) continue;
    const gradient = toFloat32(found.get(param)!, "F32");
    found.delete(param);
    assert.equal(gradient.length, numbers.length, param);
    const error = Math.hypot(...numbers.map((x, i) => x - gradient[i]!)) / Math.hypot(...numbers);
    assert.ok(error <= RELATIVE, `${param}: a relative error of ${error}`);
    most = Math.max(most, error);
  }
  assert.deepEqual([...found.keys()], [], "nothing else is trained");
  report("gradients", most, RELATIVE);
  program.compiled.destroy();
  engine.store.destroy();
}
