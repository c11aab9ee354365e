/** Bases as GPTQ and AWQ store them. */
import assert from "node:assert/strict";
import { openWeights } from "../../src/models/gguf_checkpoint.ts";
import { toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import {
  changeConfig,
  changeTensors,
  damage,
  goldenOf,
  holdLoss,
  holdMerge,
  holdRanges,
  withCopy,
} from "./packed.ts";

const MODULE = "model.layers.0.self_attn.k_proj";

for (const name of ["gptq", "awq"]) {
  Deno.test(`a base in ${name}'s four bits has transformers' loss and numbers, and keeps its bits`, () =>
    withCopy(name, async (folder) => {
      const types = await holdLoss(name, folder);
      assert.equal(types.get("mlp.down_proj.weight"), "affine_4");
      assert.equal(types.get("embed_tokens.weight"), "f16");
      using checkpoint = openWeights(folder);
      for (const [tensor, wanted] of Object.entries(goldenOf(name).sums as object)) {
        const numbers = toFloat32(checkpoint.read(tensor), "F32");
        const sum = numbers.reduce((sum, x) => sum + Math.abs(x), 0);
        assert.ok(Math.abs(sum / wanted - 1) < 1e-12, `${tensor}: ${sum}, wanted ${wanted}`);
      }
      assert.ok(![...checkpoint.tensors.keys()].some((name) => /qweight|qzeros|g_idx/.test(name)));
      holdRanges(folder, `${MODULE}.weight`);
      holdMerge(folder, `${MODULE}.weight`);
    }));
}

type Settings = Readonly<Record<string, unknown>>;
const SETTINGS: readonly [string, Settings, RegExp][] = [
  ["gptq", { bits: 8 }, /found GPTQ's 8 bits of format gptq, wanted 4 of gptq or gptq_v2/],
  ["gptq", { checkpoint_format: "marlin" }, /found GPTQ's 4 bits of format marlin, wanted 4 of/],
  ["gptq", { group_size: 32 }, /found groups of 32, wanted a multiple of 64, or -1/],
  ["gptq", { group_size: 192 }, /found rows of 128 in groups of 192, wanted whole groups/],
  ["awq", { version: "gemv" }, /found AWQ's 4 bits of version gemv with zero points, wanted 4 of/],
  ["awq", { zero_point: false }, /found AWQ's 4 bits of version gemm without zero points, wanted/],
];

for (const [name, settings, message] of SETTINGS) {
  Deno.test(`a folder in ${name} with ${JSON.stringify(settings)} is refused by name`, () =>
    withCopy(name, (folder) => {
      changeConfig(folder, (config) => Object.assign(config["quantization_config"]!, settings));
      assert.throws(() => openWeights(folder), { name: "FileError", message });
    }));
}

Deno.test("gptq_v2 stores zero points as they are", () =>
  withCopy("gptq", (folder) => {
    using before = openWeights(folder);
    const numbers = toFloat32(before.read(`${MODULE}.weight`), "F32");
    changeTensors(folder, (tensor) => {
      if (!tensor.name.endsWith(".qzeros")) return tensor;
      const zeros = new Uint32Array((tensor.data as Uint8Array).slice().buffer);
      return { ...tensor, data: new Uint8Array(zeros.map((word) => word + 0x11111111).buffer) };
    });
    changeConfig(folder, (config) => {
      Object.assign(config["quantization_config"]!, { checkpoint_format: "gptq_v2" });
    });
    using after = openWeights(folder);
    assert.deepEqual(toFloat32(after.read(`${MODULE}.weight`), "F32"), numbers);
  }));

Deno.test("groups in the order of activations, and scales that are NaN, are refused by name", () =>
  withCopy("gptq", (folder) => {
    damage(folder, `${MODULE}.scales`, 2 * 3, [0, 0x7e]);
    {
      using checkpoint = openWeights(folder);
      assert.throws(() => checkpoint.read(`${MODULE}.weight`), {
        message: /k_proj.scales" in .*: found NaN at \[0, 3\], wanted a finite number/,
      });
    }
    damage(folder, `${MODULE}.g_idx`, 4 * 7, [1]);
    assert.throws(() => openWeights(folder), {
      name: "FileError",
      message: /k_proj.g_idx" in .*: found group 1 of column 7, wanted 0: .* not in the order of/,
    });
  }));
