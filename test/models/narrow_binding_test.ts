/** Heads whose scores do not fit a binding: the same losses, in smaller chunks. */
import assert from "node:assert/strict";
import { batch } from "../../src/data/mod.ts";
import { readFloats } from "../../src/gpu/buffer.ts";
import type { Engine } from "../../src/graph/compile.ts";
import { BatchGenerator } from "../../src/inference/batch.ts";
import { slotsFor } from "../../src/inference/decoder.ts";
import { Store } from "../../src/graph/store.ts";
import { KL_STATS } from "../../src/ops/mod.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { narrow } from "../harness.ts";
import { freshEngine, tinyExamples, withTiny } from "./tiny.ts";

const [VOCAB, T] = [8192, 160];
/** Of chunks of 64, 32 and 16 rows. */
const BINDINGS = [64, 32, 16].map((rows) => rows * 4 * VOCAB + 1000);

/** An engine with a store of its own on a device that binds no more. */
async function narrowEngine(maxBinding: number): Promise<Engine> {
  const engine = narrow(await freshEngine(), maxBinding);
  return { ...engine, store: new Store(engine.device) };
}

async function lossesOf(engine: Engine, model: Model, loss: "nll" | "kl") {
  const planned = LossProgram.plan(engine, model, { T, loss });
  const program = await planned.open();
  const rows = batch(tinyExamples(VOCAB, [90, 61]), T);
  program.feed(rows);
  program.run();
  const { device } = engine;
  const losses = await readFloats(device, program.compiled.output("losses"));
  const stats = loss === "kl"
    ? await readFloats(device, program.compiled.output("stats"))
    : new Float32Array();
  program.compiled.destroy();
  const { length } = rows.rows; // what is said of the padding behind them is nobody's
  assert.ok(length > 128);
  return {
    losses: losses.slice(0, length),
    stats: stats.slice(0, KL_STATS * length),
    bytes: planned.footprint.temporary,
  };
}

for (const loss of ["nll", "kl"] as const) {
  Deno.test(`${loss} is the same number for number where fewer rows of scores can be bound`, () =>
    withTiny({ vocab: VOCAB, config: { max_position_embeddings: T } }, async (folder) => {
      using model = new Model(folder);
      const engine = await freshEngine();
      const wide = await lossesOf(engine, model, loss);
      for (const maxBinding of BINDINGS) {
        const less = await narrowEngine(maxBinding);
        const found = await lossesOf(less, model, loss);
        less.store.destroy();
        assert.deepEqual(found.losses, wide.losses, `${maxBinding}`);
        assert.deepEqual(found.stats, wide.stats);
        assert.ok(found.bytes < wide.bytes, "the plan follows");
      }
      engine.store.destroy();
    }));
}

Deno.test("a vocabulary of which no four rows can be bound is refused by its size", () =>
  withTiny({ vocab: VOCAB }, async (folder) => {
    using model = new Model(folder);
    const engine = await narrowEngine(128_000);
    assert.throws(() => LossProgram.plan(engine, model, { T: 8 }), {
      name: "RangeError",
      message: "Found a head of 8192 rows, wanted at most 8000 on this device",
    });
    engine.store.destroy();
  }));

Deno.test("sequences beside each other are no more than scores can be bound for", () =>
  withTiny({ vocab: VOCAB }, async (folder) => {
    using model = new Model(folder);
    const engine = await narrowEngine(7 * 4 * VOCAB);
    const graph = model.decodeGraph(engine, { T: 4, scored: 4, context: 16 });
    assert.equal(slotsFor(engine, graph), 4, "5 slots take 8 rows of scores");
    using batch = await BatchGenerator.open(engine, model, { context: 16 });
    assert.equal((await batch.generate([[1], [2]], { maxTokens: 2 })).length, 2);
    engine.store.destroy();
  }));
