/** LoRA-FA: B alone is trained. */
import assert from "node:assert/strict";
import { Adapter, type AdapterOptions } from "../../src/adapters/adapter.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { ConfigError } from "../../src/errors.ts";
import { Model } from "../../src/models/model.ts";
import { freshEngine, withTiny } from "../models/tiny.ts";
import { Toy } from "../train/toy.ts";

Deno.test("A stays as it began through a run and another that goes on, and B does not", async () => {
  using toy = new Toy();
  const adapter = (name: string) => readPeft(toy.path(name, "adapter"));
  const freeze = { freeze_a: true };
  await toy.train("none", { adapter: freeze, train: { steps: 1, lr: 1e-9 } });
  await toy.train("run", { adapter: freeze, train: { steps: 5 } });
  await toy.train("more", {
    adapter: { ...freeze, from: toy.path("run", "adapter") },
    train: { steps: 5 },
  });
  const [none, run, more] = ["none", "run", "more"].map((name) => adapter(name).modules);
  for (const [i, { module, a, b }] of none!.entries()) {
    assert.deepEqual(run![i]!.a, a, module);
    assert.deepEqual(more![i]!.a, a, module);
    assert.notDeepEqual(run![i]!.b, b, module);
    assert.notDeepEqual(more![i]!.b, run![i]!.b, module);
  }
});

Deno.test("gradients are those of B alone", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const engine = await freshEngine();
    const kept = (freeze_a: boolean) => {
      const options = { rank: 4, alpha: 8, targets: "all-linear", freeze_a } as const;
      const { adapt } = Adapter.fresh(engine, model, options);
      const { graph } = model.lossGraph(engine, { T: 40, adapt, train: true });
      const gradients = graph.values.filter(({ kind }) => kind === "gradient");
      return gradients.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
    };
    // B of [out, 4]; A is of [4, in].
    const [all, half] = [kept(false), kept(true)];
    const outs = 2 * (32 + 16 + 16 + 32 + 48 + 48 + 32);
    assert.equal(half, 4 * outs);
    assert.ok(all > half);
    engine.store.destroy();
  }));

Deno.test("what LoRA-FA is not built for is refused by name", () =>
  withTiny({ tied: false }, async (folder) => {
    using model = new Model(folder);
    const engine = await freshEngine();
    const refuses = (changes: Partial<AdapterOptions>, message: RegExp) => {
      const options = { rank: 4, alpha: 8, targets: ["q_proj"], freeze_a: true, ...changes };
      assert.throws(
        () => Adapter.fresh(engine, model, options),
        (fault: Error) => fault instanceof ConfigError && message.test(fault.message),
      );
    };
    refuses(
      { targets: ["lm_head"] },
      /freeze_a: found true with lm_head among the targets, wanted/,
    );
    refuses({ targets: ["embed_tokens"] }, /found true with model\.embed_tokens among the targets/);
    refuses({ method: "dora" }, /freeze_a: found true beside adapter\.method dora, wanted/);
    refuses({ init: "pissa" }, /freeze_a: found true beside adapter\.init pissa, wanted false/);
    engine.store.destroy();
  }));
