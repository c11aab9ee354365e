/** A GGUF file as the base of a run, through every command that opens one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { run as evaluate } from "../../src/cli/eval.ts";
import { run as exportModel } from "../../src/cli/export.ts";
import { run as generate } from "../../src/cli/generate.ts";
import { run as inspect } from "../../src/cli/inspect.ts";
import { run as merge } from "../../src/cli/merge.ts";
import { exportGguf } from "../../src/export/gguf_model.ts";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { readJsonObject } from "../../src/io/files.ts";
import { openGguf } from "../../src/io/gguf/reader.ts";
import { openWeights } from "../../src/models/gguf_checkpoint.ts";
import { loadTokenizer } from "../../src/io/tokenizer/tokenizer.ts";
import { byteTokenizer } from "../export/tokenizers.ts";
import { Toy } from "../train/toy.ts";
import { capture } from "./capture.ts";

Deno.test("an adapter is trained on a GGUF file, and goes everywhere", async (t) => {
  using toy = new Toy({ dtype: "F16", vocab: 64 });
  Deno.writeTextFileSync(join(toy.model, "tokenizer.json"), JSON.stringify(byteTokenizer(64)));
  const base = toy.path("base.gguf");
  exportGguf(toy.model, base, { type: "Q8_0" });
  const settings = { model: base, guard: false } as const;
  const { last } = await toy.train("run", settings);
  const adapter = toy.path("run", "adapter");
  const nll = async (place: string, ...args: string[]) => {
    const { stdout } = await capture(evaluate, place, "--text", toy.text, "--json", ...args);
    return JSON.parse(stdout).nll as number;
  };

  await t.step("the run is that of the folder, rounded as it is loaded", async () => {
    const other = await toy.train("other", { guard: false, quantize: "q8_0" });
    assert.equal(other.last!.loss, last!.loss);
    assert.deepEqual(toy.adapter("other"), toy.adapter("run"));
    assert.equal(readJsonObject(toy.path("other", "config.json"))["quantize"], "q8_0");
    const config = readJsonObject(join(adapter, "adapter_config.json"));
    assert.equal(config["base_model_name_or_path"], base);
  });

  await t.step("eval and generate read it", async () => {
    const [alone, rounded] = [await nll(base), await nll(toy.model, "--quantize", "q8_0")];
    assert.equal(alone, rounded);
    const args = [base, "--prompt", "the", "--max-tokens", "4", "--json"];
    const { stdout } = await capture(generate, ...args);
    assert.equal(JSON.parse(stdout).ids.length, 4);
  });

  await t.step("inspect counts its rows", async () => {
    const path = toy.path("config.json");
    Deno.writeTextFileSync(path, JSON.stringify(toy.values("run", settings)));
    const { code } = await capture(inspect, path);
    assert.equal(code, 0);
  });

  await t.step("merge writes a folder of 16 bits with its tokenizer", async () => {
    const out = toy.path("merged");
    // It compares the logits of the folder with those of base and adapter itself.
    const { stdout } = await capture(merge, adapter, "--out", out, "--json");
    assert.equal(JSON.parse(stdout).base, base);
    using merged = openCheckpoint(out);
    assert.ok(merged.tensors.values().every(({ dtype }) => dtype === "BF16"));
    assert.equal(merged.config["torch_dtype"], "bfloat16");
    const text = "the end of a line";
    assert.deepEqual(loadTokenizer(out).encode(text), loadTokenizer(toy.model).encode(text));
  });

  await t.step("export writes an adapter for llama.cpp, and the whole model", async () => {
    const lora = toy.path("lora.gguf");
    await capture(exportModel, adapter, "--format", "gguf-lora", "--out", lora);
    using file = openGguf(lora);
    assert.equal(file.metadata.get("general.type"), "adapter");
    assert.deepEqual(file.tensors.get("blk.0.attn_q.weight.lora_b")!.shape, [32, 4]);
    const whole = toy.path("whole.gguf");
    const kind = ["--format", "gguf", "--type", "Q4_1", "--errors"];
    const written = [...kind, "--out", whole, "--text", toy.text];
    const { stdout } = await capture(exportModel, adapter, ...written, "--json");
    const { kept, errors } = JSON.parse(stdout);
    const q = errors.find(({ name }: { name: string }) => name === "blk.0.attn_q.weight");
    assert.ok(q.type === "Q4_1" && q.error > 0.01 && q.error < 0.1, stdout); // 1 / 15 of a range
    assert.ok(Math.abs(kept.made - await nll(base, "--adapter", adapter)) < 1e-6, stdout);
    assert.ok(Math.abs(kept.written - await nll(whole)) < 1e-6, stdout);
    // The base is of 8 bits, its file of 4: what the adapter costs is told apart from that.
    const cost = Math.log1p(kept.adapter.written.mean);
    assert.ok(Math.abs(kept.written - kept.made) > 1e-4 && cost >= 0, stdout);
    await capture(exportModel, base, "--format", "gguf", "--out", toy.path("again.gguf"));
    using model = openWeights(whole);
    assert.equal(model.grouped("model.layers.0.self_attn.q_proj.weight")!.stored, "Q4_1");
  });

  await t.step("what is no format is refused", async () => {
    await assert.rejects(evaluate([base, "--text", toy.text, "--quantize", "q3_k"]), {
      name: "ConfigError",
      message:
        "Found --quantize q3_k, wanted q8_0, q6_k, q5_k, q5_1, q5_0, q4_k, q4_1, q4_0, iq4_nl, nf4, " +
        "nf4_double, mxfp4, int8, affine_8, affine_6, affine_5, affine_4, affine_3, affine_2",
    });
    const rounded = { quantize: "q8_0", guard: false } as const;
    await assert.rejects(toy.train("odd", rounded, { kind: "pretrain" }), {
      name: "ConfigError",
      message: /quantize: found q8_0, but no weight of a new model is frozen/,
    });
    await assert.rejects(toy.train("odd", { quantize: "q3_k" }), {
      name: "ConfigError",
      message: /quantize: found "q3_k", wanted q8_0, q6_k, .*, affine_3 or affine_2/,
    });
  });
});
