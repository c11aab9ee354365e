/** Bases as bitsandbytes stores them in nf4. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { openWeights } from "../../src/models/gguf_checkpoint.ts";
import { holdLoss, holdMerge, holdRanges, withCopy } from "./packed.ts";

const MATRIX = "model.layers.0.self_attn.q_proj.weight";

for (const name of ["plain", "nested"]) {
  Deno.test(`a base in bitsandbytes' nf4, ${name}, has transformers' loss and its bytes`, () =>
    withCopy(`nf4/${name}`, async (folder) => {
      const types = await holdLoss(`nf4/${name}`, folder);
      assert.equal(types.get("self_attn.q_proj.weight"), "nf4");
    }));
}

Deno.test("ranges of a matrix are parts of the whole, as numbers and in groups", () =>
  withCopy("nf4/nested", (folder) => {
    holdRanges(folder, MATRIX);
    using checkpoint = openWeights(folder);
    assert.equal(checkpoint.grouped(MATRIX)!.read().length, 64 * 36);
    assert.ok(![...checkpoint.tensors.keys()].some((name) => /absmax|quant/.test(name)));
    assert.ok(!("quantization_config" in checkpoint.config));
  }));

Deno.test("an adapter merges into the exact numbers, and the merged folder says nothing of nf4", () =>
  withCopy("nf4/nested", (folder) => holdMerge(folder, MATRIX)));

Deno.test("another quantisation, and a damaged description, are refused by name", () =>
  withCopy("nf4/plain", (folder) => {
    const path = join(folder, "config.json");
    const config = JSON.parse(Deno.readTextFileSync(path));
    const refused = (more: object, words: RegExp) => {
      const quantization_config = { ...config.quantization_config, ...more };
      Deno.writeTextFileSync(path, JSON.stringify({ ...config, quantization_config }));
      assert.throws(() => openWeights(folder), words);
    };
    refused({ load_in_4bit: false }, /neither four nor eight bits, wanted nf4 or eight bits/);
    refused({ bnb_4bit_quant_type: "fp4" }, /four bits of type fp4, wanted nf4 or eight/);
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
