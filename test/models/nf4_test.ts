/** Bases as bitsandbytes stores them in nf4. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { writePeft } from "../../src/adapters/peft/folder.ts";
import { perplexity } from "../../src/eval/perplexity.ts";
import { UNSUPERVISED } from "../../src/data/mod.ts";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { openWeights } from "../../src/models/gguf_checkpoint.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { freshEngine, writeTinyLlama } from "./tiny.ts";

const folderOf = (name: string) => fileURLToPath(new URL(`nf4/${name}/`, import.meta.url));
const MATRIX = "model.layers.0.self_attn.q_proj.weight";

/** Runs `action` with a copy of a folder that has a tokenizer. */
async function withCopy(name: string, action: (folder: string) => void | Promise<void>) {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    writeTinyLlama(folder);
    for (const file of ["config.json", "model.safetensors"]) {
      Deno.copyFileSync(join(folderOf(name), file), join(folder, file));
    }
    await action(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

for (const name of ["plain", "nested"]) {
  Deno.test(`a base in bitsandbytes' nf4, ${name}, has transformers' loss and its bytes`, () =>
    withCopy(name, async (folder) => {
      const { ids, nll } = JSON.parse(Deno.readTextFileSync(join(folderOf(name), "golden.json")));
      const engine = await freshEngine();
      using model = new Model(folder);
      const { graph } = model.lossGraph(engine, { T: 16 });
      const matrix = graph.values.find(({ name }) => name === MATRIX)!;
      assert.equal(matrix.type, "nf4");
      const program = await LossProgram.open(engine, model, { T: 16 });
      const labels = Int32Array.from(ids, (id: number, i) => i === 0 ? UNSUPERVISED : id);
      const example = { ids: Uint32Array.from(ids as number[]), labels, origin: "golden" };
      const { documents: [document] } = await perplexity(program, [example]);
      assert.ok(Math.abs(document!.nats / nll - 1) < 1e-6, `${document!.nats}, wanted ${nll}`);
      program.compiled.destroy();
      engine.store.destroy();
    }));
}

Deno.test("ranges of a matrix are parts of the whole, as numbers and in groups", () => {
  using checkpoint = openWeights(folderOf("nested"));
  const whole = checkpoint.read(MATRIX);
  assert.equal(whole.length, 4 * 64 * 64);
  assert.deepEqual(checkpoint.read(MATRIX, { offset: 300, length: 900 }), whole.slice(300, 1200));
  const groups = checkpoint.grouped(MATRIX)!;
  const all = groups.read();
  assert.equal(all.length, 64 * 36);
  assert.deepEqual(groups.read({ offset: 72, length: 40 }), all.slice(72, 112));
  assert.ok(![...checkpoint.tensors.keys()].some((name) => /absmax|quant/.test(name)));
  assert.ok(!("quantization_config" in checkpoint.config));
  assert.ok(toFloat32(whole, "F32").every(Number.isFinite));
});

Deno.test("an adapter merges into the exact numbers, and the merged folder says nothing of nf4", () =>
  withCopy("nested", (folder) => {
    const adapter = join(folder, "adapter");
    using base = openWeights(folder);
    const shape = base.get(MATRIX).shape as [number, number];
    const module = MATRIX.replace(/\.weight$/, "");
    const [outFeatures, inFeatures] = shape;
    writePeft(adapter, {
      ...{ baseModel: folder, rank: 1, alpha: 1, targetModules: ["q_proj"], rslora: false },
      modules: [{
        ...{ module, rank: 1, alpha: 1, scale: 1, outFeatures, inFeatures },
        a: new Float32Array(inFeatures).fill(0.5),
        b: new Float32Array(outFeatures).fill(0.25),
      }],
      config: {},
    });
    for (const dtype of [undefined, "F32"] as const) {
      const out = join(folder, `merged ${dtype}`);
      mergeAdapter(folder, adapter, out, dtype ? { dtype } : {});
      using merged = openCheckpoint(out);
      assert.ok(!("quantization_config" in merged.config));
      const { dtype: found } = merged.get(MATRIX, shape);
      assert.equal(found, dtype ?? "BF16");
      if (dtype !== "F32") continue;
      const wanted = toFloat32(base.read(MATRIX), "F32").map((x) => Math.fround(x + 0.125));
      assert.deepEqual(toFloat32(merged.read(MATRIX), "F32"), wanted);
    }
  }));

Deno.test("another quantisation, and a damaged description, are refused by name", () =>
  withCopy("plain", (folder) => {
    const path = join(folder, "config.json");
    const config = JSON.parse(Deno.readTextFileSync(path));
    const refused = (more: object, words: RegExp) => {
      const quantization_config = { ...config.quantization_config, ...more };
      Deno.writeTextFileSync(path, JSON.stringify({ ...config, quantization_config }));
      assert.throws(() => openWeights(folder), words);
    };
    refused({ load_in_4bit: false, load_in_8bit: true }, /bitsandbytes' eight bits, wanted nf4/);
    refused({ bnb_4bit_quant_type: "fp4" }, /four bits of type fp4, wanted nf4/);
    Deno.writeTextFileSync(path, JSON.stringify(config));
    const weights = join(folder, "model.safetensors");
    const bytes = Deno.readFileSync(weights);
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    const damage = (from: string, to: string, words: RegExp) => {
      const damaged = text.replaceAll(from, to.padEnd(from.length));
      Deno.writeFileSync(weights, Uint8Array.from(damaged, (sign) => sign.charCodeAt(0)));
      assert.throws(() => openWeights(folder), words);
    };
    damage('"blocksize": 64', '"blocksize": 32', /blocks of 32, wanted blocks of 64/);
    damage('"shape": [64, 64]', '"shape": [64, 32]', /rows of 32, wanted rows of a multiple/);
    damage('"shape": [64, 64]', '"shape": [9, 64]', /2048 bytes, wanted 288/);
    damage('{"quant_type"', "[", /no description in JSON/);
    Deno.writeFileSync(weights, bytes);
    using checkpoint = openCheckpoint(folder);
    const { begin } = checkpoint.get(`${MATRIX}.absmax`);
    const broken = bytes.slice();
    broken.set([0, 0, 0x80, 0x7f], begin);
    Deno.writeFileSync(weights, broken);
    using damaged = openWeights(folder);
    assert.throws(() => damaged.read(MATRIX), /the scale Infinity of block 0, wanted a finite one/);
  }));
