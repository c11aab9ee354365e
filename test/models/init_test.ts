/** Fresh weights: matrices random, norms that change nothing, biases zero. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { writeFreshModel } from "../../src/models/init.ts";
import { readGolden, writeGolden } from "../golden/golden.ts";

for (
  const [family, norm] of [["llama_bias", 1], ["qwen2", 1], ["gemma3_text", 0], [
    "gpt2",
    1,
  ]] as const
) {
  Deno.test(`a fresh ${family} has the tensors of a golden one`, () => {
    const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
    try {
      const [golden, fresh] = [join(parent, "golden"), join(parent, "fresh")];
      writeGolden(golden, readGolden(family));
      writeFreshModel(golden, fresh, 1);
      using wanted = openCheckpoint(golden);
      using found = openCheckpoint(fresh);
      assert.deepEqual([...found.tensors.keys()].sort(), [...wanted.tensors.keys()].sort());
      for (const [name, { shape, dtype }] of found.tensors) {
        assert.deepEqual(shape, wanted.get(name).shape);
        const numbers = toFloat32(found.read(name), dtype);
        if (shape.length === 2) assert.ok(new Set(numbers).size > 0.99 * numbers.length, name);
        else assert.ok(numbers.every((x) => x === (name.endsWith(".bias") ? 0 : norm)), name);
      }
    } finally {
      Deno.removeSync(parent, { recursive: true });
    }
  });
}
