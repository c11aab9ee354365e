/** Bases as bitsandbytes stores them in eight bits. */
import assert from "node:assert/strict";
import { openWeights } from "../../src/models/gguf_checkpoint.ts";
import { changeTensors, damage, holdLoss, holdMerge, holdRanges, withCopy } from "./packed.ts";

const MODULE = "model.layers.0.self_attn.q_proj";

Deno.test("a base in bitsandbytes' eight bits has transformers' loss and its bytes", () =>
  withCopy("int8", async (folder) => {
    const types = await holdLoss("int8", folder);
    assert.equal(types.get("mlp.down_proj.weight"), "int8");
    assert.equal(types.get("embed_tokens.weight"), "f32");
    holdRanges(folder, `${MODULE}.weight`);
    holdMerge(folder, `${MODULE}.weight`);
  }));

const REFUSED: readonly [string, Parameters<typeof changeTensors>[1], RegExp][] = [
  [
    "rows that are no whole groups",
    (t) => {
      if (t.name !== `${MODULE}.weight`) return t;
      return { ...t, shape: [64, 48], data: (t.data as Uint8Array).slice(0, 64 * 48) };
    },
    /q_proj.weight" in .*: found rows of 48, wanted rows of a multiple of 64/,
  ],
  [
    "another layout",
    (t) => t.name === `${MODULE}.weight_format` ? { ...t, data: Uint8Array.of(2) } : t,
    /q_proj.weight_format" in .*: found layout 2, wanted 0, row by row/,
  ],
  [
    "scales of another length",
    (t) => t.name === `${MODULE}.SCB` ? { ...t, shape: [8, 8] } : t,
    /q_proj.SCB" in .*: found shape \[8,8\], wanted \[64\]/,
  ],
  [
    "codes of another type",
    (t) => t.name === `${MODULE}.weight` ? { ...t, dtype: "U8" } : t,
    /q_proj.weight" in .*: found U8, wanted I8/,
  ],
];

for (const [what, change, message] of REFUSED) {
  Deno.test(`a base in eight bits with ${what} is refused by name`, () =>
    withCopy("int8", (folder) => {
      changeTensors(folder, change);
      assert.throws(() => openWeights(folder), { name: "FileError", message });
    }));
}

Deno.test("a scale of a row that is NaN is refused where it is read", () =>
  withCopy("int8", (folder) => {
    damage(folder, `${MODULE}.SCB`, 4 * 9, [0, 0, 0xc0, 0x7f]);
    using checkpoint = openWeights(folder);
    assert.throws(() => checkpoint.read(`${MODULE}.weight`), {
      message: /q_proj.SCB" in .*: found NaN at \[9, 0\], wanted a finite number/,
    });
  }));
