/** Runs that train DoRA, beside the guard, stopped, resumed and gone on from. */
import assert from "node:assert/strict";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { ConfigError } from "../../src/errors.ts";
import { guarded, remeasure, reportOf } from "../forgetting/guarded_toy.ts";
import { Toy, type ToySettings } from "./toy.ts";

Deno.test("a guarded DoRA run certifies what it ships, as a reader measures it", async () => {
  using toy = new Toy({ dtype: "BF16" });
  const { forgetting } = await toy.train("run", {
    ...guarded(toy, { every: 3 }),
    ...{ adapter: { method: "dora" }, train: { steps: 9, lr: 0.03 } },
  });
  const [first, ...rest] = toy.metrics("run");
  assert.equal(first!["guard_loss"], 0, "the adapter begins as the base");
  assert.equal(first!.forgetting, 0);
  assert.ok(rest.at(-1)!.loss < first!.loss);
  assert.ok(forgetting!.certified);
  const { shift } = reportOf(toy, "run").domains[0].control;
  const found = await remeasure(toy, "run", "ppl:5%");
  assert.ok(Math.abs(found.mean - shift) < 1e-6, `${found.mean}, reported ${shift}`);
});

Deno.test("a DoRA run with dropout that is stopped ends with the same bytes", async () => {
  using toy = new Toy();
  const settings: ToySettings = {
    ...{ guard: false, adapter: { method: "dora", dropout: 0.1 } },
    train: { steps: 6, checkpoint_every: 4, recompute: true },
  };
  await toy.train("run", settings);
  const { modules, config } = readPeft(toy.path("run", "adapter"));
  assert.deepEqual([config["use_dora"], config["lora_dropout"]], [true, 0.1]);
  assert.ok(modules.every(({ magnitude, outFeatures }) => magnitude!.length === outFeatures));
  let asked = 0;
  await toy.train("stopped", settings, { stopWanted: () => ++asked === 5 });
  await toy.train("stopped", settings, { resume: true });
  assert.deepEqual(toy.adapter("stopped"), toy.adapter("run"));
});

Deno.test("where only the base is certain, a DoRA adapter is written as the base", async () => {
  using toy = new Toy();
  const guard = { budget: "kl:0.000000000001", weight: 0 };
  const { forgetting, measured } = await toy.train("run", {
    ...guarded(toy, guard),
    ...{ adapter: { method: "dora" }, train: { steps: 6, lr: 0.05 } },
  });
  assert.equal(forgetting!.certified, false);
  assert.equal(measured["forgetting"], 0, "the base itself");
  const [chosen, trained] = ["adapter", "uncertified"].map((f) => readPeft(toy.path("run", f)));
  assert.equal(chosen!.alpha, 0);
  assert.notDeepEqual(chosen!.modules[0]!.magnitude, trained!.modules[0]!.magnitude);
  assert.equal((await remeasure(toy, "run", "kl:1")).mean, 0);
});

Deno.test("a DoRA folder is gone on from as DoRA, and another method is refused", async () => {
  using toy = new Toy();
  const train = { steps: 2 };
  await toy.train("first", { guard: false, train, adapter: { method: "dora" } });
  const from = toy.path("first", "adapter");
  await toy.train("second", { guard: false, train, adapter: { from } });
  assert.equal(readPeft(toy.path("second", "adapter")).config["use_dora"], true);
  await assert.rejects(
    toy.train("third", { guard: false, train, adapter: { from, method: "lora" } }),
    (fault: Error) =>
      fault instanceof ConfigError &&
      /adapter\.method: found "lora", but .* has "dora"/.test(fault.message),
  );
});

Deno.test("elastic weight consolidation refuses DoRA by name", async () => {
  using toy = new Toy();
  const guard = { text: [toy.text], loss: "ewc", weight: 1, budget: "ppl:5%" };
  await assert.rejects(
    toy.train("run", { guard, adapter: { method: "dora" } }),
    /guard\.loss: found ewc but nothing that it can hold is trained, wanted LoRA/,
  );
});
