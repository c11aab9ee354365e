/** Runs whose adapter starts from the base's weights, beside the guard, stopped, and refused. */
import assert from "node:assert/strict";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { ConfigError } from "../../src/errors.ts";
import { guarded, remeasure, reportOf } from "../forgetting/guarded_toy.ts";
import { Toy, type ToySettings } from "./toy.ts";

const adapter = { init: "pissa_niter_4", rank: 4 } as const;

Deno.test("a guarded PiSSA run certifies what it ships, as a reader measures it", async () => {
  using toy = new Toy({ dtype: "BF16" });
  const { forgetting } = await toy.train("run", {
    ...guarded(toy, { every: 3 }),
    ...{ adapter, train: { steps: 9, lr: 0.003 } },
  });
  const [first, ...rest] = toy.metrics("run");
  assert.ok(Math.abs(first!["guard_loss"] as number) < 1e-5, "the adapter begins as the base");
  assert.ok(rest.at(-1)!.loss < first!.loss);
  assert.ok(forgetting!.certified);
  const { shift } = reportOf(toy, "run").domains[0].control;
  const found = await remeasure(toy, "run", "ppl:5%");
  assert.ok(Math.abs(found.mean - shift) < 1e-6, `${found.mean}, reported ${shift}`);
});

Deno.test("a PiSSA run that is stopped ends with the same bytes", async () => {
  using toy = new Toy();
  const settings: ToySettings = {
    ...{ guard: false, adapter },
    train: { steps: 6, checkpoint_every: 4, recompute: true, weight_decay: 0.1 },
  };
  await toy.train("run", settings);
  const { modules, rank } = readPeft(toy.path("run", "adapter"));
  assert.equal(rank, 8);
  assert.ok(modules.every(({ a, inFeatures }) => a.length === 8 * inFeatures));
  let asked = 0;
  await toy.train("stopped", settings, { stopWanted: () => ++asked === 5 });
  await toy.train("stopped", settings, { resume: true });
  assert.deepEqual(toy.adapter("stopped"), toy.adapter("run"));
});

Deno.test("where only the base is certain, a PiSSA adapter is written as the base", async () => {
  using toy = new Toy();
  const { forgetting, measured } = await toy.train("run", {
    ...guarded(toy, { budget: "kl:0.000000000001", weight: 0 }),
    ...{ adapter, train: { steps: 6, lr: 0.05 } },
  });
  assert.equal(forgetting!.certified, false);
  assert.equal(measured["forgetting"], 0, "the base itself");
  assert.equal(readPeft(toy.path("run", "adapter")).alpha, 0);
  assert.equal((await remeasure(toy, "run", "kl:1")).mean, 0);
});

Deno.test("LoftQ begins nearer to the base that was rounded", async () => {
  using toy = new Toy();
  const first = async (out: string, settings: ToySettings) => {
    await toy.train(out, { guard: false, train: { steps: 1 }, ...settings });
    return toy.metrics(out)[0]!.loss;
  };
  const adapter = { rank: 16, targets: "all-linear" };
  const stored = await first("stored", { adapter });
  const rounded = await first("rounded", { adapter, quantize: "q4_0" });
  const loftq = await first("loftq", { adapter: { ...adapter, init: "loftq" }, quantize: "q4_0" });
  const [off, left] = [rounded, loftq].map((loss) => Math.abs(loss - stored));
  assert.ok(left! < off! / 2, `off by ${left}, without by ${off}`);
  await assert.rejects(
    first("refused", { adapter: { ...adapter, init: "loftq" } }),
    /adapter.init: found loftq on a base as it is stored, wanted quantize/,
  );
});

Deno.test("initial values are refused where they have no meaning", async () => {
  using toy = new Toy();
  const refused: [Record<string, unknown>, RegExp][] = [
    [{ init: "pissa", dropout: 0.1 }, /adapter.dropout: found 0.1 beside adapter.init pissa/],
    [{ init: "olora", method: "dora" }, /found "olora" beside adapter.method dora, wanted lora/],
    [
      { init: "olora", targets: ["q_proj", "embed_tokens"] },
      /adapter.init: found "olora" with the table model.embed_tokens among the targets/,
    ],
    [{ init: "olora", from: toy.model }, /adapter.init: found "olora" beside adapter.from/],
    [{ init: "pissa_niter_x" }, /adapter.init/],
  ];
  for (const [adapter, message] of refused) {
    await assert.rejects(
      toy.train("run", { guard: false, train: { steps: 1 }, adapter }),
      (fault: Error) => fault instanceof ConfigError && message.test(fault.message),
      String(message),
    );
  }
});
