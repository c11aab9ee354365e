/** Runs by other optimisers than AdamW. */
import assert from "node:assert/strict";
import { ConfigError, FileError } from "../../src/errors.ts";
import { Graph } from "../../src/graph/graph.ts";
import { flatBytes, plainMoments, Store } from "../../src/graph/store.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { hasCheckpoint, loadCheckpoint } from "../../src/train/checkpoint.ts";
import { engine } from "../harness.ts";
import { Toy, type ToySettings } from "./toy.ts";

for (
  const [optimizer, lr] of [
    ...[["lion", 0.003], ["adafactor", 0.01], ["adamw_8bit", 0.003]] as const,
  ]
) {
  Deno.test(`a run by ${optimizer} with noise learns, and one that is stopped ends with the same bytes`, async () => {
    using toy = new Toy();
    const settings: ToySettings = {
      guard: false,
      train: {
        ...{ optimizer, lora_plus_ratio: 4, lr, weight_decay: 0.1 },
        ...{ lr_pattern: { v_proj: 0.001 }, neftune_noise_alpha: 5, steps: 6, checkpoint_every: 4 },
      },
    };
    await toy.train("run", settings);
    const losses = toy.metrics("run").map(({ loss }) => loss);
    assert.ok(losses.at(-1)! < losses[0]!);
    let asked = 0;
    await toy.train("stopped", settings, { stopWanted: () => ++asked === 5 });
    assert.ok(hasCheckpoint(toy.path("stopped", "checkpoints")));
    const { device } = await engine();
    const store = new Store(device);
    store.addParams([new Graph().param("w", [4], "rows")]);
    assert.throws(
      () => loadCheckpoint(store, toy.path("stopped", "checkpoints")),
      (fault: Error) => fault instanceof FileError && /holds other params/.test(fault.message),
    );
    await toy.train("stopped", settings, { resume: true });
    assert.deepEqual(toy.adapter("stopped"), toy.adapter("run"));
  });
}

Deno.test("a run by Muon learns, and refuses what is no matrix of LoRA", async () => {
  using toy = new Toy();
  const train = { optimizer: "muon", lr: 0.02, steps: 4 };
  await toy.train("run", { guard: false, train, adapter: { rank: 6 } });
  const losses = toy.metrics("run").map(({ loss }) => loss);
  assert.ok(losses.at(-1)! < losses[0]!);
  for (const adapter of [{ modules_to_save: ["norm"] }, { method: "dora" }]) {
    await assert.rejects(
      toy.train("refused", { guard: false, train, adapter }),
      (fault: Error) =>
        fault instanceof ConfigError && /found muon and .* trained, wanted the/.test(fault.message),
    );
  }
});

Deno.test("a store takes what was planned, with what the optimiser keeps and no more", async () => {
  const { device } = await engine();
  const graph = new Graph();
  const params = [graph.param("a", [8, 12], "rows"), graph.held("b", [8, 12], "rows")];
  const factored = { name: "v", numbers: 128, type: "f32" } as const;
  for (const moments of [plainMoments(["m", "v"], 128), plainMoments(["m"], 128), [], [factored]]) {
    const store = new Store(device);
    store.addParams(params, moments);
    assert.equal(store.bytes, flatBytes(params, moments));
    assert.equal(store.bytes, (4 + moments.length) * 512);
    assert.deepEqual(store.moments, moments);
    store.destroy();
  }
});

Deno.test("a key that the optimiser does not heed is refused", () => {
  const parse = (train: object) =>
    parseConfig({ values: { model: "m", data: [{ path: "a.jsonl" }], train } }).config.train;
  assert.throws(
    () => parse({ momentum: 0.5 }),
    (fault: Error) =>
      fault instanceof ConfigError &&
      /train.momentum: found 0.5 beside train.optimizer adamw/.test(fault.message),
  );
  assert.throws(() => parse({ optimizer: "sgd", beta1: 0.5 }), /train.beta1: found 0.5 beside/);
  assert.throws(() => parse({ optimizer: "lion", eps: 1e-6 }), /train.eps: found 0.000001 beside/);
  assert.equal(parse({ optimizer: "lion" }).beta2, 0.99);
  assert.equal(parse({ optimizer: "lion", beta2: 0.9 }).beta2, 0.9);
  assert.equal(parse({}).beta2, 0.999);
  const { momentum, nesterov } = parse({ optimizer: "muon" });
  assert.deepEqual([momentum, nesterov], [0.95, true]);
  assert.equal(parse({ optimizer: "sgd" }).momentum, 0.9);
  assert.deepEqual([parse({}).eps, parse({ optimizer: "adafactor" }).eps], [1e-8, 1e-30]);
  assert.throws(
    () => parse({ optimizer: "adafactor", beta2: 0.9 }),
    /train.beta2: found 0.9 beside/,
  );
});
