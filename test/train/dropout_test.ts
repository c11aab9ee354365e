/** Runs whose adapter drops out: stopped and resumed, and what their measurements see. */
import assert from "node:assert/strict";
import { Adapter } from "../../src/adapters/adapter.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { batch } from "../../src/data/mod.ts";
import { ConfigError } from "../../src/errors.ts";
import { readJsonObject } from "../../src/io/files.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { type LossGraphOptions, Model } from "../../src/models/model.ts";
import { freshEngine, tinyExamples, withTiny } from "../models/tiny.ts";
import { Toy, type ToySettings } from "./toy.ts";

Deno.test("a run with dropout that is stopped ends with the same bytes", async () => {
  using toy = new Toy();
  const guard = { text: [toy.text], share: 0.5, every: 3, budget: "ppl:5%" };
  const settings = (dropout: number): ToySettings => ({
    ...{ guard, adapter: { dropout }, train: { steps: 6, checkpoint_every: 4 } },
  });
  await toy.train("whole", settings(0.2));
  let asked = 0;
  await toy.train("stopped", settings(0.2), { stopWanted: () => ++asked === 5 });
  await toy.train("stopped", settings(0.2), { resume: true });
  assert.deepEqual(toy.adapter("stopped"), toy.adapter("whole"));
  const fields = (run: string) =>
    toy.metrics(run).map(({ tokens_per_second: _, ...metrics }) => metrics);
  assert.deepEqual(fields("stopped"), fields("whole"));

  await toy.train("without", settings(0));
  assert.notDeepEqual(toy.adapter("without"), toy.adapter("whole"));
  // B is zero before the first update: the task's loss is the base's, whatever is dropped of A.
  assert.equal(toy.metrics("without")[0]!.loss, toy.metrics("whole")[0]!.loss);
});

Deno.test("the dropout of a folder counts where the config has none", async () => {
  using toy = new Toy();
  const settings = (adapter: ToySettings["adapter"]) => ({
    ...{ adapter: adapter!, guard: false as const, train: { steps: 2 } },
  });
  await toy.train("first", settings({ dropout: 0.4 }));
  const saved = (out: string) =>
    readJsonObject(toy.path(out, "adapter", "adapter_config.json"))["lora_dropout"];
  assert.equal(saved("first"), 0.4);
  const from = toy.path("first", "adapter");
  await toy.train("its own", settings({ from }));
  await toy.train("given", settings({ from, dropout: 0.4 }));
  await toy.train("off", settings({ from, dropout: 0 }));
  assert.deepEqual([saved("its own"), saved("off")], [0.4, 0]);
  assert.deepEqual(toy.adapter("its own"), toy.adapter("given"));
  assert.notDeepEqual(toy.adapter("its own"), toy.adapter("off"));
});

Deno.test("an adapter drops out where it trains, and nowhere else", () =>
  withTiny({}, async (folder, { layers }) => {
    using model = new Model(folder);
    const engine = await freshEngine();
    const options = { rank: 4, alpha: 8, targets: "all-linear", dropout: 0.5 };
    const { adapt } = Adapter.fresh(engine, model, options);
    const dropped = (graph: Omit<LossGraphOptions, "T">) =>
      model.lossGraph(engine, { T: 40, adapt, ...graph }).graph.calls
        .filter(({ op, backward }) => op.name === "dropout" && !backward).length;
    assert.equal(dropped({ train: true }), 7 * layers);
    assert.equal(dropped({ train: true, loss: "kl" }), 7 * layers, "not in the base's forward");
    for (const loss of ["nll", "kl"] as const) assert.equal(dropped({ loss }), 0);
    const decode = model.decodeGraph(engine, { T: 4, context: 8, scored: 4, adapt }).graph;
    assert.ok(decode.calls.every(({ op }) => op.name !== "dropout"));
    engine.store.destroy();
  }));

Deno.test("recomputed blocks drop out the same, and another draw another", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const gradients = async (recompute: boolean, draw: number | undefined, seed = 3) => {
      const engine = await freshEngine();
      const adapter = Adapter.fresh(engine, model, {
        ...{ rank: 4, alpha: 8, targets: "all-linear", dropout: 0.5 },
      });
      const options = { T: 40, adapt: adapter.adapt, train: true, recompute, seed };
      const { graph } = model.lossGraph(engine, options);
      engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
      adapter.load(engine.store, 1);
      const program = await LossProgram.open(engine, model, options);
      program.feed(batch(tinyExamples(61), 40), undefined, draw);
      program.run();
      const read = await adapter.read(engine.store, "", "gradients");
      program.compiled.destroy();
      engine.store.destroy();
      return read.modules.map(({ b }) => [...b]);
    };
    const kept = await gradients(false, 7);
    assert.deepEqual(await gradients(true, 7), kept);
    assert.notDeepEqual(await gradients(false, 8), kept);
    assert.notDeepEqual(await gradients(false, 7, 4), kept);
    await assert.rejects(gradients(false, undefined), /no draw, wanted one/);
  }));

Deno.test("a head that is to drop out is refused, in training alone", () =>
  withTiny({ tied: false }, async (folder) => {
    using toy = new Toy({ tied: false });
    using model = new Model(folder);
    const engine = await freshEngine();
    const adapter = { targets: ["lm_head"], dropout: 0.1 };
    await assert.rejects(
      toy.train("head", { adapter, guard: false }),
      (fault: Error) =>
        fault instanceof ConfigError &&
        /adapter\.dropout: found 0\.1 with lm_head/.test(fault.message),
    );
    await toy.train("plain", { adapter: { targets: ["lm_head"] }, guard: false });
    const saved = readPeft(toy.path("plain", "adapter"));
    const config = { ...saved.config, lora_dropout: 0.1 };
    Adapter.of(engine, model, { ...saved, config });
    assert.throws(
      () => Adapter.of(engine, model, { ...saved, config }, { dropout: 0.1 }),
      ConfigError,
    );
    engine.store.destroy();
  }));
