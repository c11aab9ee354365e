/** LoftQ against PEFT: see make_loftq.py. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { roundingOf } from "../../src/adapters/init/init.ts";
import { LOFTQ } from "../../src/adapters/init/loftq.ts";
import { addDelta } from "../../src/adapters/methods/lora.ts";
import { ConfigError } from "../../src/errors.ts";
import { openCheckpoint, writeCheckpoint } from "../../src/io/checkpoint.ts";
import { fromFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { Tensors } from "../../src/models/stored.ts";
import { report } from "../golden/checks.ts";
import { noise } from "../harness.ts";

const CASES: readonly {
  readonly shape: [number, number];
  readonly rank: number;
  readonly lost: number;
  readonly left: number;
  readonly start: [norm: number, product: number];
}[] = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/peft/loftq.json", import.meta.url)),
);

const BOUND = 1e-4;

Deno.test("LoftQ starts as PEFT does, and makes up for as much", () => {
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const folder = join(parent, "model");
    writeCheckpoint(folder, {
      config: { model_type: "llama" },
      tensors: CASES.map(({ shape }, i) => ({
        ...{ name: `m${i}.weight`, dtype: "F32", shape },
        data: fromFloat32(noise(shape[0] * shape[1], i + 1), "F32"),
      })),
    });
    using checkpoint = openCheckpoint(folder);
    const base = new Tensors(checkpoint, {}, false, "nf4");
    for (const [index, { shape: [outFeatures, inFeatures], rank, ...wanted }] of CASES.entries()) {
      const sizes = { isTable: false, rank, outFeatures, inFeatures };
      const module = {
        ...sizes,
        name: `m${index}`,
        index,
        alpha: 3 * rank,
        scale: 3,
        widest: sizes,
      };
      const { a, b } = LOFTQ.factors(module, 0, base);
      const start = new Float32Array(outFeatures * inFeatures);
      addDelta(start, 0, { ...sizes, ...{ module: "", alpha: 3, scale: 3, a, b } });
      const lost = roundingOf(base, module.name).to1DArray();
      const left = lost.map((x, i) => x - start[i]!);
      report("what rounding took", Math.abs(Math.hypot(...lost) / wanted.lost - 1), BOUND);
      report("what is left of it", Math.abs(Math.hypot(...left) / wanted.left - 1), BOUND);
      report("start", Math.abs(Math.hypot(...start) / wanted.start[0] - 1), BOUND);
      const product = start.reduce((sum, x, i) => sum + x * Math.cos(i), 0);
      report("product", Math.abs(product - wanted.start[1]) / wanted.start[0], BOUND);
      const plain = new Tensors(checkpoint);
      assert.throws(
        () => LOFTQ.factors(module, 0, plain),
        (fault: Error) =>
          fault instanceof ConfigError && /found loftq on a base/.test(fault.message),
      );
    }
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
});
