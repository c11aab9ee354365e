/** Runs of few updates and few rows, and those whose rows are no longer the same. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { numbersIn, snapshot, Toy } from "./toy.ts";

const B = "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight";

Deno.test("a run of one update learns, by steps as by epochs", async () => {
  using toy = new Toy();
  const epoch = { epochs: 1, tokens_per_batch: 1024, warmup: 1 };
  for (const [name, train] of Object.entries({ steps: { steps: 1 }, epoch })) {
    const { last } = await toy.train(name, { train });
    assert.ok(last!.lr > 0, name);
    const learnt = numbersIn(join(toy.path(name), "adapter", "adapter_model.safetensors"), B);
    assert.ok(learnt.some((value) => value !== 0), name);
  }
});

Deno.test("an epoch smaller than an update is an update, with each row once", async () => {
  using toy = new Toy();
  const rows = [9, 12, 30, 42].map((length) => ({ length }));
  const supervised = rows.reduce((sum, { length }) => sum + length - 4, 0);
  const data = [{ path: toy.writeRows("few.jsonl", rows), format: "tokens" }];
  for (const [epochs, updates] of [[1, 1], [3, 3], [1.5, 2]] as const) {
    const out = `epochs-${epochs}`;
    await toy.train(out, { data, train: { epochs, tokens_per_batch: 1024 } });
    assert.deepEqual(toy.metrics(out).map((update) => update["supervised"]), [
      ...Array(updates).fill(supervised),
    ]);
  }
  // Nobody says how often: few rows come ten times, more as often as makes 100 updates.
  await toy.train("few", { data, train: { epochs: null, tokens_per_batch: 1024 } });
  assert.equal(toy.metrics("few").length, 10);
  // An update that is no larger than an epoch is filled as before.
  await toy.train("full", { data, train: { epochs: 1, tokens_per_batch: 64 } });
  assert.ok(toy.metrics("full").length >= 2);
});

Deno.test("a run is resumed on the same rows only", async (t) => {
  using toy = new Toy();
  const lengths = [9, 12, 30, 42].map((length) => ({ length }));
  const path = toy.writeRows("rows.jsonl", lengths);
  const lines = Deno.readTextFileSync(path).split("\n");
  const settings = { train: { checkpoint_every: 2 } };
  const stop = () => {
    let updates = 0;
    return { stopWanted: () => ++updates === 3 };
  };
  await toy.train("run", settings, stop());
  const before = snapshot(toy.path("run", "checkpoints"));
  const changed: Record<string, string[]> = {
    "one more at the front": [lines[1]!, ...lines],
    "one less": lines.slice(1),
    "in another order": lines.toReversed(),
    "a token that differs": [lines[0]!.replace(/\d+/, (id) => `${(Number(id) + 1) % 61}`)]
      .concat(lines.slice(1)),
    "a label that differs": [lines[0]!.replace(/(-100,)\d+(?=,\d+\]|,\d+,)/, "$1-100")]
      .concat(lines.slice(1)),
  };
  for (const [what, rows] of Object.entries(changed)) {
    await t.step(what, async () => {
      Deno.writeTextFileSync(path, rows.join("\n"));
      await assert.rejects(toy.train("run", settings, { resume: true }), {
        name: "FileError",
        message: /Cannot resume: .*rows\.jsonl holds other rows than when the run began/,
      });
      assert.deepEqual(snapshot(toy.path("run", "checkpoints")), before);
    });
  }
  Deno.writeTextFileSync(path, `${lines.join("\n")}\n`);
  const { step } = await toy.train("run", settings, { resume: true });
  assert.equal(step, 6);
});
