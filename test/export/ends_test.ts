/** Adapters on embedding and head, and whole tensors, on their way out: held, or refused by name. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { openGguf } from "../../src/io/gguf/reader.ts";
import { exportGgufLora } from "../../src/export/gguf_lora.ts";
import { exportGguf } from "../../src/export/gguf_model.ts";
import { exportMlx } from "../../src/export/mlx.ts";
import { openSafetensors, toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { transpose } from "../../src/models/stored.ts";
import { byteTokenizer } from "./tokenizers.ts";
import { readAdapterGolden, writeGolden } from "../golden/golden.ts";
import { assertFileError, namesIn, withFolder } from "../io/helpers.ts";
import { ggufNumbers } from "../io/gguf/numbers.ts";

/** A golden adapter beside its base, with a tokenizer that llama.cpp knows. */
function withAdapter(
  name: string,
  action: (folder: string, out: string) => void,
  changed: Record<string, unknown> = {},
): void {
  withFolder((parent) => {
    const folder = join(parent, "model");
    writeGolden(folder, readAdapterGolden(name), changed);
    Deno.writeTextFileSync(join(folder, "tokenizer.json"), JSON.stringify(byteTokenizer()));
    action(folder, join(parent, "out"));
  });
}

Deno.test("an embedding's update lies for llama.cpp and mlx-lm as they look its rows up", () =>
  withAdapter("head_and_embedding", (folder, out) => {
    const adapter = readPeft(join(folder, "adapter"));
    const { a, b, rank, scale, inFeatures } = adapter.modules.find(({ isTable }) => isTable)!;
    exportGgufLora(folder, adapter, out);
    using gguf = openGguf(out);
    const byRow = transpose(a, [rank, inFeatures]);
    assert.deepEqual(gguf.tensors.get("token_embd.weight.lora_a")!.shape, [inFeatures, rank]);
    assert.deepEqual(ggufNumbers(gguf, "token_embd.weight.lora_a"), byRow);
    const factor = scale * rank / adapter.alpha; // llama.cpp scales by alpha / rank
    assert.deepEqual(ggufNumbers(gguf, "token_embd.weight.lora_b"), b.map((x) => x * factor));
    assert.ok(gguf.tensors.has("output.weight.lora_a"));

    exportMlx(adapter, `${out}.mlx`, folder);
    using mlx = openSafetensors(join(`${out}.mlx`, "adapters.safetensors"));
    assert.deepEqual(mlx.tensors.get("model.embed_tokens.lora_a")!.shape, [inFeatures, 5]);
    assert.deepEqual(toFloat32(mlx.read("model.embed_tokens.lora_a"), "F32"), byRow);
    assertFileError(
      () => exportMlx(adapter, `${out}2`),
      "model.embed_tokens",
      "folder of its base",
    );
  }));

Deno.test("an adapter on one end of a tied pair is refused for llama.cpp and mlx-lm", () =>
  withAdapter("tied_both_ends", (folder, out) => {
    const adapter = readPeft(join(folder, "adapter"));
    for (const name of ["model.embed_tokens", "lm_head"]) {
      const modules = adapter.modules.filter(({ module }) => module === name);
      const one = { ...adapter, modules };
      const wanted = [`"${name}"`, "one tensor", "merge with --untie"];
      assertFileError(() => exportGguf(folder, out, { type: "F32", adapter: one }), ...wanted);
      assertFileError(() => exportGgufLora(folder, one, out), ...wanted);
      assertFileError(() => exportMlx(one, out, folder), ...wanted);
    }
    assert.deepEqual(namesIn(join(folder, "..")), ["model"]);
  }, { query_pre_attn_scalar: 16 }));

Deno.test("whole tensors reach a merged GGUF, and are refused for adapters", () =>
  withAdapter("saved_and_lora_only", (folder, out) => {
    const adapter = readPeft(join(folder, "adapter"));
    const wanted = ["modules_to_save, bias", "merge it and export the model"];
    assertFileError(() => exportGgufLora(folder, adapter, out), "a GGUF adapter", ...wanted);
    assertFileError(() => exportMlx(adapter, out), "an mlx-lm adapter", ...wanted);
    exportGguf(folder, out, { type: "F32", adapter });
    using file = openGguf(out);
    const saved = (name: string) => adapter.whole!.find((tensor) => tensor.name === name)!.numbers;
    assert.deepEqual(ggufNumbers(file, "output.weight"), saved("lm_head.weight"));
    assert.deepEqual(ggufNumbers(file, "token_embd.weight"), saved("model.embed_tokens.weight"));
    assert.deepEqual(
      ggufNumbers(file, "blk.1.ffn_norm.weight"),
      saved("model.layers.1.post_attention_layernorm.weight"),
    );
    assert.deepEqual(
      ggufNumbers(file, "blk.0.ffn_down.bias"),
      saved("model.layers.0.mlp.down_proj.bias"),
    );
  }));
