/** Runs whose adapter starts from what its modules read: guarded, stopped, and refused. */
import assert from "node:assert/strict";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { ConfigError } from "../../src/errors.ts";
import { guarded, remeasure, reportOf } from "../forgetting/guarded_toy.ts";
import { Toy, type ToySettings } from "./toy.ts";

const NAMES = ["eva", "corda_ipm", "corda_kpm"] as const;

for (const init of NAMES) {
  Deno.test(`a guarded run of ${init} certifies what it ships, as a reader measures it`, async () => {
    using toy = new Toy({ dtype: "BF16" });
    const lines: string[] = [];
    const { forgetting } = await toy.train("run", {
      ...guarded(toy, { every: 3 }),
      ...{ adapter: { init }, train: { steps: 9, lr: 0.003 } },
    }, { say: (line) => lines.push(line) });
    const text = init === "corda_kpm" ? "the retention text" : "the rows";
    assert.ok(lines.some((line) => line.includes(`${init} reads`) && line.endsWith(text)));
    const [first, ...rest] = toy.metrics("run");
    assert.ok(Math.abs(first!["guard_loss"] as number) < 1e-5, "the adapter begins as the base");
    assert.ok(rest.at(-1)!.loss < first!.loss);
    assert.ok(forgetting!.certified);
    const { shift } = reportOf(toy, "run").domains[0].control;
    const found = await remeasure(toy, "run", "ppl:5%");
    assert.ok(Math.abs(found.mean - shift) < 1e-6, `${found.mean}, reported ${shift}`);
  });

  Deno.test(`a run of ${init} that is stopped ends with the same bytes`, async () => {
    using toy = new Toy();
    const guard = { text: [toy.text], every: 4, budget: "ppl:50%" };
    const settings: ToySettings = {
      ...{ guard: init === "corda_kpm" && guard, adapter: { init } },
      train: { steps: 6, checkpoint_every: 4 },
    };
    await toy.train("run", settings);
    const { modules, rank, alpha } = readPeft(toy.path("run", "adapter"));
    const times = init === "eva" ? 1 : 2; // the others by the difference
    assert.deepEqual([rank, alpha], [4 * times, 8 * times]);
    assert.equal(modules.reduce((sum, { rank }) => sum + rank, 0), 14 * 4 * times);
    for (const { module, rank, scale } of modules) {
      assert.ok(Math.abs(scale - 2) < 1e-9, module + rank);
    }
    let asked = 0;
    await toy.train("stopped", settings, { stopWanted: () => ++asked === 5 });
    await toy.train("stopped", settings, { resume: true });
    assert.deepEqual(toy.adapter("stopped"), toy.adapter("run"));
  });

  Deno.test(`where only the base is certain, ${init} is written as the base`, async () => {
    using toy = new Toy();
    const { forgetting, measured } = await toy.train("run", {
      ...guarded(toy, { budget: "kl:0.000000000001", weight: 0 }),
      ...{ adapter: { init }, train: { steps: 6, lr: 0.05 } },
    });
    assert.equal(forgetting!.certified, false);
    assert.equal(measured["forgetting"], 0, "the base itself");
    assert.equal((await remeasure(toy, "run", "kl:1")).mean, 0);
  });
}

Deno.test("EVA shares out ranks where it may, and none with a rho of 1", async () => {
  using toy = new Toy();
  const ranks = async (init_rho: number) => {
    await toy.train(`${init_rho}`, {
      ...{ guard: false, train: { steps: 1 }, adapter: { init: "eva", init_rho } },
    });
    return readPeft(toy.path(`${init_rho}`, "adapter")).modules.map(({ rank }) => rank);
  };
  assert.deepEqual(new Set(await ranks(1)), new Set([4]));
  const shared = await ranks(3);
  assert.ok(new Set(shared).size > 1 && Math.max(...shared) <= 12, String(shared));
});

Deno.test("initial values that are measured are refused where they cannot be", async () => {
  using toy = new Toy();
  toy.writeRows("prompts.jsonl", [{ length: 9 }]);
  const refused: [ToySettings, RegExp][] = [
    [{ adapter: { init: "corda_kpm" } }, /adapter.init: found corda_kpm without a guard/],
    [{ adapter: { init: "corda_ipm", dropout: 0.1 } }, /found 0.1 beside adapter.init corda_ipm/],
    [{ adapter: { init: "eva", method: "dora" } }, /found "eva" beside adapter.method dora/],
    [{ adapter: { init: "eva", targets: ["q_proj", "embed_tokens"] } }, /the table model.embed/],
    [
      { adapter: { init: "pissa", init_tokens: 9 } },
      /init_tokens: found 9 without adapter.init eva/,
    ],
    [{ adapter: { init: "corda_ipm", init_rho: 3 } }, /init_rho: found 3 without adapter.init eva/],
    [{ adapter: { init: "eva", init_rho: 0.5 } }, /init_rho/],
  ];
  for (const [settings, message] of refused) {
    await assert.rejects(
      toy.train("run", { guard: false, train: { steps: 1 }, ...settings }),
      (fault: Error) => fault instanceof ConfigError && message.test(fault.message),
      String(message),
    );
  }
});
