/** Flips flags of golden checkpoints: the logits must notice each. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Model } from "../../src/models/model.ts";
import type { Flip } from "../golden/flips.ts";
import { logitsError, packedLogits, readGolden, writeGolden } from "../golden/golden.ts";
import { freshEngine } from "./tiny.ts";

/** The bound that families_test.ts holds the logits to. */
const LOGITS = 2e-4;

type Flips = Readonly<Record<string, Flip>>;

/** Registers a test for each golden checkpoint, with its own flips and those that all share. */
export function testFlips(families: Readonly<Record<string, Flips>>, everywhere: Flips): void {
  for (const [name, flips] of Object.entries(families)) {
    Deno.test(`${name}: the golden logits notice every flag that is flipped`, async (t) => {
      for (const [what, flip] of Object.entries({ ...everywhere, ...flips })) {
        await t.step(what, async () => {
          const error = await errorOf(name, flip);
          assert.ok(error > LOGITS, `off by ${error} only`);
        });
      }
      assert.ok(await errorOf(name, {}) < LOGITS, "unflipped, the logits are golden");
    });
  }
}

async function errorOf(name: string, { config = {}, ...mutation }: Flip): Promise<number> {
  const golden = readGolden(name);
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  const engine = await freshEngine();
  try {
    const folder = join(parent, "model");
    writeGolden(folder, golden, config);
    using model = new Model(folder);
    return logitsError(await packedLogits(engine, model, golden.examples, mutation), golden);
  } finally {
    engine.store.destroy();
    Deno.removeSync(parent, { recursive: true });
  }
}
