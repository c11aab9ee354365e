/** Files that differ from what a forward asks for: other names, buffers, weights [in, out]. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { FileError } from "../../src/errors.ts";
import { openCheckpoint, writeCheckpoint } from "../../src/io/checkpoint.ts";
import {
  type Dtype,
  fromFloat32,
  type TensorData,
  toFloat32,
} from "../../src/io/safetensors/safetensors.ts";
import { Model } from "../../src/models/model.ts";
import { loadParam, loadVector, storedParam } from "../../src/models/weights.ts";
import { parseConfig } from "../../src/config/mod.ts";
import type { TrainOptions } from "../../src/train/options.ts";
import { train } from "../../src/train/run.ts";
import { logitsError, packedLogits, readGolden, T, writeGolden } from "../golden/golden.ts";
import { engine } from "../harness.ts";
import { freshEngine } from "./tiny.ts";

const gpt2 = readGolden("gpt2");
const LOGITS = 2e-4;
const C_ATTN = "h.0.attn.c_attn.weight";

async function inFolder(
  action: (folder: string) => Promise<void> | void,
  golden = gpt2,
): Promise<void> {
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    writeGolden(join(parent, "model"), golden);
    await action(parent);
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

type Rename = (name: string) => string;

/** The golden model with other names, as it was saved by others. */
function writeRenamed(parent: string, rename: Rename, dtype: Dtype = "F32"): string {
  using checkpoint = openCheckpoint(join(parent, "model"));
  const tensors = [...checkpoint.tensors.values()].map(({ name, shape }): TensorData => ({
    ...{ name: rename(name), dtype, shape },
    data: fromFloat32(toFloat32(checkpoint.read(name), "F32"), dtype),
  }));
  const mask = { dtype: "F32", shape: [1, 1, 2, 2], data: new Uint8Array(16) } as const;
  tensors.push({ ...mask, name: "h.0.attn.bias" });
  const renamed = join(parent, "renamed");
  const { config } = checkpoint;
  writeCheckpoint(renamed, { config, tensors, copyFrom: join(parent, "model") });
  return renamed;
}

/** As the first GPT-2 was saved: without prefix, with the masks of attention. */
const writeBare = (parent: string, dtype?: Dtype) =>
  writeRenamed(parent, (name) => name.replace(/^transformer\./, ""), dtype);

async function errorIn(
  folder: string,
  which: "logits" | "lora_logits",
  golden = gpt2,
): Promise<number> {
  const engine = await freshEngine();
  using model = new Model(folder);
  const found = await packedLogits(engine, model, golden.examples);
  engine.store.destroy();
  return logitsError(found, golden, which);
}

Deno.test("a GPT-2 without `transformer.` in its names computes the same", () =>
  inFolder(async (parent) => assert.ok(await errorIn(writeBare(parent), "logits") < LOGITS)));

Deno.test("a GPT-NeoX whose head is called `embed_out` computes the same", () => {
  const neox = readGolden("gpt_neox");
  const rename: Rename = (name) => name.replace("lm_head", "embed_out");
  return inFolder(async (parent) => {
    const folder = writeRenamed(parent, rename);
    assert.ok(await errorIn(folder, "logits", neox) < LOGITS);
  }, neox);
});

for (
  const [family, embedding] of [
    ["gemma", "model.embed_tokens.weight"],
    ["gpt2", "transformer.wte.weight"],
  ] as const
) {
  Deno.test(`a ${family} that has its tied pair by the name of the head computes the same`, () => {
    const golden = readGolden(family);
    return inFolder(async (parent) => {
      const rename: Rename = (name) => name === embedding ? "lm_head.weight" : name;
      assert.ok(await errorIn(writeRenamed(parent, rename), "logits", golden) < LOGITS);
    }, golden);
  });
}

Deno.test("a head does not stand in for the embedding of a model that has both", () => {
  const golden = readGolden("llama");
  return inFolder((parent) => {
    const rename: Rename = (name) => name.replace("model.embed_tokens", "embedding");
    return assert.rejects(errorIn(writeRenamed(parent, rename), "logits", golden), FileError);
  }, golden);
});

for (const bare of [false, true]) {
  Deno.test(`an adapter merges into Conv1D weights${bare ? " without a prefix" : ""}`, () =>
    inFolder(async (parent) => {
      const base = bare ? writeBare(parent) : join(parent, "model");
      const merged = join(parent, "merged");
      const { changed } = mergeAdapter(base, join(parent, "model/adapter"), merged);
      assert.ok(changed.includes(bare ? C_ATTN : `transformer.${C_ATTN}`));
      using before = openCheckpoint(base);
      using after = openCheckpoint(merged);
      assert.deepEqual([...after.tensors.keys()], [...before.tensors.keys()]);
      assert.deepEqual(after.get(changed[0]!).shape, before.get(changed[0]!).shape);
      assert.ok(await errorIn(merged, "lora_logits") < LOGITS);
      assert.ok(await errorIn(merged, "logits") > LOGITS);
    }));
}

for (const dtype of ["F32", "BF16"] as const) {
  Deno.test(`Conv1D weights of ${dtype} are turned, and turned back`, () =>
    inFolder((parent) => {
      using model = new Model(writeBare(parent, dtype));
      const { tensors } = model;
      const name = `transformer.${C_ATTN}`;
      const stored = toFloat32(model.checkpoint.read(C_ATTN), dtype); // [32, 96]
      const turned = loadVector(tensors, name); // [96, 32]
      for (const [row, column] of [[0, 0], [95, 31], [7, 30]] as const) {
        assert.equal(turned[row * 32 + column], stored[column * 96 + row]);
      }
      const param = { name, shape: [96, 32], layout: "blocks" } as const;
      assert.deepEqual(storedParam(tensors, param, loadParam(tensors, param)), stored);
    }));
}

Deno.test("adapters of GPT-2 say fan_in_fan_out, whole models are saved as [in, out]", () =>
  inFolder(async (parent) => {
    const rows = join(parent, "rows.jsonl");
    const lines = gpt2.ids.map((input_ids, i) => ({ input_ids, labels: gpt2.labels[i] }));
    Deno.writeTextFileSync(rows, lines.map((line) => JSON.stringify(line)).join("\n"));
    const { device } = await engine();
    const run = (out: string, kind: NonNullable<TrainOptions["kind"]>) => {
      const values = {
        model: join(parent, "model"),
        data: [{ path: rows, format: "tokens" }],
        train: { steps: 3, lr: 0.01, tokens_per_batch: T, micro_batch_tokens: T },
        eval: { samples: 0 },
        out: join(parent, out),
      };
      return train(parseConfig({ values }), { kind, device });
    };
    const { saved } = await run("adapted", "adapter");
    const { config, modules } = readPeft(saved);
    assert.equal(config["fan_in_fan_out"], true);
    const { outFeatures, inFeatures } = modules.find(({ module }) => module.endsWith("c_attn"))!;
    assert.deepEqual([outFeatures, inFeatures], [96, 32]);

    const whole = await run("whole", "pretrain");
    using found = openCheckpoint(whole.saved);
    using wanted = openCheckpoint(join(parent, "model"));
    assert.deepEqual([...found.tensors.keys()].sort(), [...wanted.tensors.keys()].sort());
    for (const [name, { shape }] of found.tensors) wanted.get(name, shape);
    assert.ok(whole.last!.loss < whole.first!.loss);
  }));
