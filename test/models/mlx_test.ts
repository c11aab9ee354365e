/** Bases as mlx stores them in groups. */
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

const LAYER = "model.layers.0.self_attn";

Deno.test("a base in mlx's groups of several bits has transformers' loss and keeps its bits", () =>
  withCopy("mlx", async (folder) => {
    const types = await holdLoss("mlx", folder);
    assert.deepEqual(
      [...types].filter(([, type]) => type !== "f32" && type !== "bf16").sort(),
      [
        ["embed_tokens.weight", "mxfp4"],
        ["mlp.down_proj.weight", "affine_4"],
        ["mlp.gate_proj.weight", "affine_6"],
        ["mlp.up_proj.weight", "affine_8"],
        ["self_attn.k_proj.weight", "affine_3"],
        ["self_attn.o_proj.weight", "affine_5"],
        ["self_attn.q_proj.weight", "affine_4"],
        ["self_attn.v_proj.weight", "affine_2"],
      ],
    );
  }));

Deno.test("the numbers of an mlx folder are mlx's, its parts are hidden, its ranges are parts", () =>
  withCopy("mlx", (folder) => {
    using checkpoint = openWeights(folder);
    for (const [name, wanted] of Object.entries(goldenOf("mlx").sums as Record<string, number>)) {
      if (name === "lm_head.weight") continue;
      const { dtype } = checkpoint.get(name);
      const sum = toFloat32(checkpoint.read(name), dtype).reduce((sum, x) => sum + Math.abs(x), 0);
      assert.ok(Math.abs(sum / wanted - 1) < 1e-12, `${name}: ${sum}, wanted ${wanted}`);
    }
    assert.ok(![...checkpoint.tensors.keys()].some((name) => /scales|biases/.test(name)));
    assert.ok(!("quantization" in checkpoint.config));
    holdRanges(folder, `${LAYER}.q_proj.weight`);
    holdRanges(folder, "model.embed_tokens.weight");
  }));

Deno.test("an adapter merges into mlx's numbers, and the merged folder says nothing of groups", () =>
  withCopy("mlx", (folder) => holdMerge(folder, `${LAYER}.k_proj.weight`)));

type Change = Parameters<typeof changeTensors>[1];
const REFUSED: readonly [string, string, { tensors?: Change; settings?: object }, RegExp][] = [
  [
    "groups of 32",
    "k_proj",
    { settings: { group_size: 32 } },
    /k_proj in 3 bits of mlx's affine in groups of 32, wanted .* groups of 64 or 128, or mxfp4/,
  ],
  ["bits", "k_proj", { settings: { bits: 7 } }, /k_proj in 7 bits of mlx's affine/],
  ["mode", "k_proj", { settings: { mode: "nvfp4" } }, /k_proj in 3 bits of mlx's nvfp4/],
  ["shape", "k_proj", { settings: { bits: 4 } }, /found shape \[32,6\], wanted \[32,8\]/],
  [
    "codes without scales",
    "q_proj",
    { tensors: (t) => t.name.endsWith("q_proj.scales") ? null : t },
    /found codes of U32 and no "model.layers.0.self_attn.q_proj.scales", wanted both/,
  ],
  [
    "scales of integers",
    "q_proj",
    { tensors: (t) => t.name.endsWith("q_proj.biases") ? { ...t, dtype: "I16" } : t },
    /q_proj.biases" in .*: found I16, wanted F32 or F16 or BF16/,
  ],
];

for (const [what, module, { tensors, settings }, words] of REFUSED) {
  Deno.test(`an mlx folder with other ${what} is refused by name`, () =>
    withCopy("mlx", (folder) => {
      if (tensors) changeTensors(folder, tensors);
      if (settings) {
        changeConfig(folder, ({ quantization }) => {
          Object.assign((quantization as Record<string, object>)[`${LAYER}.${module}`]!, settings);
        });
      }
      assert.throws(() => openWeights(folder), { name: "FileError", message: words });
    }));
}

Deno.test("NaN among mlx's scales is refused where it is read", () =>
  withCopy("mlx", (folder) => {
    damage(folder, `${LAYER}.q_proj.scales`, 2 * 5, [0xc0, 0x7f]);
    damage(folder, "model.embed_tokens.scales", 2 * 7 + 1, [255]);
    using checkpoint = openWeights(folder);
    const refused = (name: string, words: RegExp) =>
      assert.throws(() => checkpoint.grouped(name)!.read(), { name: "FileError", message: words });
    refused(
      `${LAYER}.q_proj.weight`,
      /q_proj.scales".*: found NaN at \[5, 0\], wanted a finite/,
    );
    refused("model.embed_tokens.weight", /scales".*: found NaN at \[7, 1\], wanted a finite/);
  }));

Deno.test("a folder in a quantisation that is not built, or in two, is refused by name", () =>
  withCopy("mlx", (folder) => {
    const refused = (change: Parameters<typeof changeConfig>[1], words: RegExp) => {
      changeConfig(folder, change);
      assert.throws(() => openWeights(folder), { name: "FileError", message: words });
    };
    const both = { quant_method: "bitsandbytes", load_in_8bit: true };
    refused(
      (config) => config["quantization_config"] = both,
      /found mlx's quantization and bitsandbytes, wanted one of them/,
    );
    refused((config) => {
      delete config["quantization"];
      config["quantization_config"] = { quant_method: "hqq" };
    }, /found weights in hqq, wanted one of .*bitsandbytes/);
  }));
