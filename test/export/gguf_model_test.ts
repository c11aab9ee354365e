import assert from "node:assert/strict";
import { join } from "node:path";
import { readPeft, writePeft } from "../../src/adapters/peft/folder.ts";
import { type GgufFile, openGguf } from "../../src/io/gguf/reader.ts";
import { exportGgufLora } from "../../src/export/gguf_lora.ts";
import { exportGguf } from "../../src/export/gguf_model.ts";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { readGolden, writeGolden } from "../golden/golden.ts";
import { assertFileError, namesIn, withFolder } from "../io/helpers.ts";
import { byteTokenizer } from "./tokenizers.ts";
import { ggufNumbers } from "../io/gguf/numbers.ts";

/** A golden checkpoint in a folder of its own, with a tokenizer that llama.cpp knows. */
function withGolden(
  name: string,
  changed: Record<string, unknown>,
  action: (folder: string, out: string) => void,
): void {
  withFolder((parent) => {
    const folder = join(parent, "model");
    writeGolden(folder, readGolden(name), changed);
    Deno.writeTextFileSync(join(folder, "tokenizer.json"), JSON.stringify(byteTokenizer()));
    action(folder, join(parent, "out.gguf"));
  });
}

function numbersOf(folder: string, name: string): Float32Array {
  using checkpoint = openCheckpoint(folder);
  return toFloat32(checkpoint.read(name), checkpoint.get(name).dtype);
}

/** Row (head, half, j) of Hugging Face's order is row (head, j, half) of llama.cpp's. */
function permuted(rows: Float32Array, headDim: number, width: number): number[] {
  const out = new Array<number>(rows.length);
  for (let row = 0; row < rows.length / width; row++) {
    const [head, inside] = [Math.floor(row / headDim), row % headDim];
    const [half, j] = [Math.floor(inside / (headDim / 2)), inside % (headDim / 2)];
    const to = head * headDim + j * 2 + half;
    for (let i = 0; i < width; i++) out[to * width + i] = rows[row * width + i]!;
  }
  return out;
}

const valuesOf = (file: GgufFile, ...keys: string[]) => keys.map((key) => file.metadata.get(key));

Deno.test("exportGguf() weaves q and k of Llama, and writes Llama 3.1's factors", () =>
  withGolden("llama", {}, (folder, out) => {
    const { tensors, notes } = exportGguf(folder, out, { type: "F32" });
    using file = openGguf(out);
    assert.equal(tensors, file.tensors.size);
    assert.deepEqual(notes, []);
    const layer = "model.layers.1.self_attn";
    for (const [ours, theirs] of [["q_proj", "attn_q"], ["k_proj", "attn_k"]]) {
      const wanted = permuted(numbersOf(folder, `${layer}.${ours}.weight`), 8, 32);
      assert.deepEqual([...ggufNumbers(file, `blk.1.${theirs}.weight`)], wanted);
    }
    const v = numbersOf(folder, `${layer}.v_proj.weight`);
    assert.deepEqual(ggufNumbers(file, "blk.1.attn_v.weight"), v);
    assert.deepEqual(valuesOf(file, "llama.rope.freq_base", "llama.block_count"), [1000, 2]);
    // theta 1000, factor 8, context 64: the fastest pair is left, the slowest is slowed by 8.
    const factors = ggufNumbers(file, "rope_freqs.weight");
    assert.equal(factors[0], 1);
    assert.ok(factors[1]! > 1 && factors[1]! < 8);
    assert.equal(factors[3], 8);
  }));

Deno.test("exportGguf() adds one to Gemma's norms alone and drops a tied head", () =>
  withGolden("gemma2", { query_pre_attn_scalar: 16 }, (folder, out) => {
    exportGguf(folder, out, { type: "BF16" });
    using file = openGguf(out);
    for (
      const [ours, theirs] of [
        ["input_layernorm", "attn_norm"],
        ["post_feedforward_layernorm", "post_ffw_norm"],
      ]
    ) {
      const wanted = numbersOf(folder, `model.layers.0.${ours}.weight`).map((x) => x + 1);
      assert.deepEqual(ggufNumbers(file, `blk.0.${theirs}.weight`), wanted);
    }
    assert.equal(file.tensors.get("blk.0.attn_q.weight")!.type, "BF16");
    assert.equal(file.tensors.get("output_norm.weight")!.type, "F32");
    assert.ok(!file.tensors.has("output.weight"));
    assert.deepEqual(
      valuesOf(file, "gemma2.attn_logit_softcapping", "gemma2.attention.sliding_window"),
      [1.5, 6],
    );
  }));

Deno.test("exportGguf() merges in f32 and rounds once; rows of no whole blocks become F16", () =>
  withGolden("qwen3", {}, (folder, out) => {
    const adapter = readPeft(join(folder, "adapter"));
    const { notes } = exportGguf(folder, out, { type: "Q8_0", adapter });
    using file = openGguf(out);
    assert.deepEqual(notes, ["2 tensors are F16: their rows are no multiple of 32"]); // down_proj
    const { module, a, b, rank, scale, inFeatures } = adapter.modules
      .find(({ module }) => module === "model.layers.0.self_attn.q_proj")!;
    const weight = numbersOf(folder, `${module}.weight`);
    ggufNumbers(file, "blk.0.attn_q.weight").forEach((found, at) => {
      const [row, column] = [Math.floor(at / inFeatures), at % inFeatures];
      let delta = 0;
      for (let r = 0; r < rank; r++) delta += b[row * rank + r]! * a[r * inFeatures + column]!;
      assert.ok(Math.abs(found - weight[at]! - scale * delta) < 0.05, `${at}`);
    });
  }));

for (const rslora of [false, true]) {
  Deno.test(`exportGgufLora() folds every scale into B, rslora ${rslora}`, () =>
    withGolden("llama", {}, (folder, out) => {
      const plain = readPeft(join(folder, "adapter"));
      const modules = plain.modules.map((module, i) => {
        const alpha = i === 0 ? 0.5 : plain.alpha;
        const scale = alpha / (rslora ? Math.sqrt(module.rank) : module.rank);
        return { ...module, alpha, scale };
      });
      writePeft(join(folder, "other"), { ...plain, rslora, modules });
      const adapter = readPeft(join(folder, "other"));
      exportGgufLora(folder, adapter, out, "F32");
      using file = openGguf(out);
      assert.deepEqual(
        valuesOf(file, "general.type", "adapter.type", "general.architecture"),
        ["adapter", "lora", "llama"],
      );
      const alpha = file.metadata.get("adapter.lora.alpha") as number;
      const tensors = [...file.tensors.keys()];
      assert.equal(tensors.length, 2 * modules.length);
      modules.forEach(({ module, rank, scale, a, b }, i) => {
        assert.deepEqual(ggufNumbers(file, tensors[2 * i]!), a);
        const wanted = /[qk]_proj$/.test(module) ? permuted(b, 8, rank) : b;
        ggufNumbers(file, tensors[2 * i + 1]!).forEach((found, at) => {
          const error = Math.abs(found * alpha / rank - wanted[at]! * scale);
          assert.ok(error <= 1e-6 * Math.abs(wanted[at]! * scale), module);
        });
      });
    }));
}

const REFUSED: [name: string, changed: Record<string, unknown>, ...wanted: string[]][] = [
  ["gemma2", {}, "query_pre_attn_scalar", "20", "16 for llama.cpp's gemma2"],
  ["gemma2", { query_pre_attn_scalar: 16, attn_logit_softcapping: null }, "attn_logit_softcapping"],
  ["smollm3", {}, "no_rope_layers", "[1,0,1]", "every 4 layers"],
  ["qwen2", { head_dim: 16 }, "head_dim", "hidden_size / heads (8)"],
  ["gemma", { tie_word_embeddings: false }, "tie_word_embeddings"],
  ["llama_bias", { model_type: "qwen2" }, `no place for "model.layers.0.mlp.down_proj.bias"`],
  ["qwen3", { rope_parameters: readGolden("llama").config["rope_parameters"] }, "rope_scaling"],
];

for (const [name, changed, ...wanted] of REFUSED) {
  Deno.test(`exportGguf() refuses ${name} with ${JSON.stringify(changed)}`, () =>
    withGolden(name, changed, (folder, out) => {
      assertFileError(() => exportGguf(folder, out, { type: "F16" }), folder, ...wanted);
      assert.deepEqual(namesIn(join(folder, "..")), ["model"]);
    }));
}

Deno.test("exportGguf() says that llama.cpp ignores Mistral's window, and takes no place twice", () =>
  withGolden("mistral", {}, (folder, out) => {
    const { notes } = exportGguf(folder, out, { type: "F16" });
    assert.match(notes[0]!, /no sliding window: beyond 5 tokens/);
    assertFileError(() => exportGguf(folder, out, { type: "F16" }), out, "there already");
  }));

Deno.test("exportGgufLora() refuses an adapter of another base", () =>
  withGolden("llama", {}, (folder, out) => {
    const plain = readPeft(join(folder, "adapter"));
    const [first] = plain.modules;
    const modules = [{ ...first!, module: "model.layers.9.self_attn.q_proj" }];
    assertFileError(
      () => exportGgufLora(folder, { ...plain, modules }, out, "F32"),
      "model.layers.9.self_attn.q_proj",
    );
  }));
