/** What a run is planned to take is what it allocates. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Config, parseConfig } from "../../../src/config/mod.ts";
import { FileError } from "../../../src/errors.ts";
import { type Device, openDevice } from "../../../src/gpu/device.ts";
import { LossProgram } from "../../../src/models/loss_program.ts";
import { quickstartFile } from "../../../src/quickstart/files.ts";
import { adamw } from "../../../src/ops/mod.ts";
import { Optimizer } from "../../../src/train/optimizer.ts";
import { explainRun, withSession, withShape } from "../../../src/train/open.ts";
import { sized } from "../../../src/train/sizes/choice.ts";
import { totalOf } from "../../../src/runs/panel.ts";
import { planRun } from "../../../src/train/sizes/run_plan.ts";
import { engine } from "../../harness.ts";

/** The share by which bytes on the device differ from those planned. */
const off = (device: Device, before: number, planned: number) =>
  Math.abs((device.allocated - before) / planned - 1);

Deno.test("a run with a guard, tasks and samples takes the bytes that were planned", async () => {
  const { device } = await engine();
  const { config } = parseConfig({
    file: quickstartFile("train.json"),
    flags: {
      ...{ "train.micro_batch_tokens": "128", "train.tokens_per_batch": "256" },
      ...{ "eval.tasks.0.max_rows": "4", "eval.tasks.0.max_tokens": "2" },
      ...{ "eval.sample_every": "10", "eval.sample_tokens": "2", "guard.task_rows": "4" },
      "guard.documents": '{"control": 4, "certificate": 16, "probe": 2}',
    },
  });
  const before = device.allocated;
  await withSession(config, { device }, async (session) => {
    const planned = totalOf(session.memory);
    for (const { meters = [], sampler } of session.parts) {
      for (const meter of meters) await (await meter.measure(0)).result;
      await sampler?.sample();
    }
    const error = off(device, before, planned);
    assert.ok(error < 1e-4, `${device.allocated - before} bytes, planned ${planned}`);
    const { plan } = await explainRun(config);
    assert.deepEqual(plan.memory, session.memory);
  });
  assert.equal(device.allocated, before);
});

/** The config.json of Llama-3.2-1B. */
const LLAMA = {
  ...{ model_type: "llama", hidden_act: "silu", hidden_size: 2048, intermediate_size: 8192 },
  ...{ num_hidden_layers: 16, num_attention_heads: 32, num_key_value_heads: 8, head_dim: 64 },
  ...{ vocab_size: 128256, max_position_embeddings: 131072, rms_norm_eps: 1e-5 },
  ...{ rope_theta: 5e5, tie_word_embeddings: true, torch_dtype: "bfloat16" },
  rope_scaling: {
    ...{ rope_type: "llama3", factor: 32, low_freq_factor: 1, high_freq_factor: 4 },
    original_max_position_embeddings: 8192,
  },
};
/** That of Llama-2-7B, as far as it differs. */
const LARGER = {
  ...{ hidden_size: 4096, intermediate_size: 11008, num_hidden_layers: 32, head_dim: 128 },
  ...{ num_key_value_heads: 32, vocab_size: 32000, max_position_embeddings: 4096 },
  ...{ rope_theta: 1e4, tie_word_embeddings: false, torch_dtype: "float16", rope_scaling: null },
};

/** A run on a folder that holds nothing but a config.json. */
async function withShapeAlone(
  fields: object,
  values: Record<string, unknown>,
  use: (config: Config) => Promise<void>,
) {
  const model = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    Deno.writeTextFileSync(join(model, "config.json"), JSON.stringify(fields));
    const { config } = parseConfig({
      values: { model, data: [{ path: "rows.jsonl" }], ...values },
    });
    await use(config);
  } finally {
    Deno.removeSync(model, { recursive: true });
  }
}

for (const quantize of ["nf4", "q4_0"]) {
  Deno.test(`Llama-3.2-1B in ${quantize} takes the bytes that were planned, without its weights`, async () => {
    using device = await openDevice({ kernelSet: "shared", matrixReads: "buffer" });
    await withShapeAlone(LLAMA, { quantize }, async (config) => {
      const like = { device, model: { shapeOnly: true } };
      await withShape(config, like, async (shape) => {
        const { engine, model } = shape;
        const plan = await planRun(shape, sized(config, 64, true));
        const program = LossProgram.plan(engine, model, { ...plan.context.graph, train: true });
        const weights = program.graph.values.filter(({ kind, name }) =>
          kind === "weight" && model.checkpoint.tensors.has(name)
        );
        for (const weight of weights) engine.store.addWeight(weight); // and no numbers
        engine.store.addParams(plan.main.params);
        await program.open();
        await Optimizer.open(engine, OPTIMIZER, plan.main.count);
        const error = off(device, 0, totalOf(plan.memory));
        assert.ok(error < 1e-4, `${device.allocated} bytes, planned ${totalOf(plan.memory)}`);
      });
    });
  });
}

const OPTIMIZER = adamw({ beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 1 });

Deno.test("a shape of 7 billion parameters fits 8 GiB in nf4, and not in 16 bits", async () => {
  const like = { like: { kernelSet: "shared", matrixReads: "buffer" } } as const;
  const train = { memory_gib: 8 };
  const fits = async (values: Record<string, unknown>) => {
    let answer: [boolean, boolean] | undefined;
    await withShapeAlone({ ...LLAMA, ...LARGER }, { train, ...values }, async (config) => {
      const { plan, limit } = await explainRun(config, like);
      answer = [totalOf(plan.memory) <= limit!.bytes, plan.config.train.recompute];
    });
    return answer;
  };
  assert.deepEqual(await fits({ quantize: "nf4" }), [true, true]);
  assert.deepEqual(await fits({}), [false, true]);
});

Deno.test("a folder with neither weights nor a tokenizer can be planned and not trained on", async () => {
  await withShapeAlone(LLAMA, {}, async (config) => {
    const { why, plan } = await explainRun(config);
    assert.match(why, /^rows were not read/);
    assert.equal(plan.context.maxTokens, 512);
    await assert.rejects(withSession(config, {}, () => Promise.resolve()), FileError);
  });
  await withShapeAlone({ ...LLAMA, torch_dtype: "int3" }, {}, async (config) => {
    await assert.rejects(explainRun(config), /found dtype "int3", wanted one of float32/);
  });
});
