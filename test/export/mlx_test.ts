import assert from "node:assert/strict";
import { join } from "node:path";
import type { LoraWeights, PeftAdapter } from "../../src/adapters/peft/folder.ts";
import { exportMlx } from "../../src/export/mlx.ts";
import { readJsonObject } from "../../src/io/files.ts";
import { openSafetensors, toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { assertFileError, namesIn, withFolder } from "../io/helpers.ts";

const numbers = (length: number, from: number) =>
  Float32Array.from({ length }, (_, i) => Math.cos(from + i));

function lora(module: string, rank: number, scale: number): LoraWeights {
  return {
    ...{ module, rank, scale, alpha: scale * rank, inFeatures: 3, outFeatures: 5 },
    ...{ a: numbers(3 * rank, rank), b: numbers(5 * rank, 9 * rank) },
  };
}

function adapterOf(...modules: LoraWeights[]): PeftAdapter {
  return {
    ...{ baseModel: "base", rank: 2, alpha: 4, rslora: false, targetModules: [], config: {} },
    modules,
  };
}

Deno.test("exportMlx() transposes, fills up the rank and folds the scale into B", () =>
  withFolder((parent) => {
    const out = join(parent, "mlx");
    const modules = [
      lora("model.layers.0.self_attn.q_proj", 2, 2),
      lora("model.layers.1.self_attn.q_proj", 4, 0.5),
      lora("lm_head", 1, 0),
    ];
    assert.equal(exportMlx(adapterOf(...modules), out).tensors, 6);
    const { lora_parameters: parameters, ...rest } = readJsonObject(
      join(out, "adapter_config.json"),
    );
    assert.deepEqual(rest, { fine_tune_type: "lora", model: "base", num_layers: -1 });
    const keys = ["lm_head", "self_attn.q_proj"];
    assert.deepEqual(parameters, { rank: 4, scale: 2, dropout: 0, keys });
    using file = openSafetensors(join(out, "adapters.safetensors"));
    for (const { module, rank, scale, a, b } of modules) {
      const [x, y] = ["a", "b"].map((half) =>
        toFloat32(file.read(`${module}.lora_${half}`), "F32")
      );
      assert.deepEqual(file.tensors.get(`${module}.lora_a`)!.shape, [3, 4]);
      assert.deepEqual(file.tensors.get(`${module}.lora_b`)!.shape, [4, 5]);
      for (let i = 0; i < 3; i++) {
        for (let o = 0; o < 5; o++) {
          let found = 0;
          let wanted = 0;
          for (let r = 0; r < 4; r++) found += 2 * x![i * 4 + r]! * y![r * 5 + o]!;
          for (let r = 0; r < rank; r++) wanted += scale * a[r * 3 + i]! * b[o * rank + r]!;
          assert.ok(Math.abs(found - wanted) < 1e-6, `${module}: ${found}, wanted ${wanted}`);
        }
      }
    }
  }));

Deno.test("exportMlx() refuses a module outside of blocks, and a folder that is taken", () =>
  withFolder((parent) => {
    const out = join(parent, "mlx");
    const elsewhere = adapterOf(lora("transformer.h.0.attn.c_attn", 2, 2));
    assertFileError(() => exportMlx(elsewhere, out), "transformer.h.0.attn.c_attn", "model.layers");
    assert.deepEqual(namesIn(parent), []);
    exportMlx(adapterOf(lora("lm_head", 2, 2)), out);
    assertFileError(() => exportMlx(adapterOf(lora("lm_head", 2, 2)), out), out, "new or empty");
  }));
