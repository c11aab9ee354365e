/** Runs of PPO with learned values: what they learn, leave and go on from. */
import assert from "node:assert/strict";
import { readPeft } from "../../../src/adapters/peft/folder.ts";
import { Toy, type ToySettings } from "../../train/toy.ts";

const asking = (toy: Toy, objective: object = {}, settings: ToySettings = {}): ToySettings => {
  const path = toy.path("asked.jsonl");
  const rows = Array.from({ length: 6 }, (_, i) => ({ prompt: `say ${i}: `, completion: "a" }));
  Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  return {
    data: [{ path, template: "plain" }],
    objective: {
      ...{ kind: "ppo", rewards: [{ kind: "regex", pattern: "[aeiou]" }], prompts: 3, answers: 6 },
      ...{ max_tokens: 3, ...objective },
    },
    ...settings,
    train: {
      ...{ tokens_per_batch: undefined, lr: 0.02, schedule: "constant", warmup: 0 },
      ...settings.train,
    },
  };
};

Deno.test("ppo learns what is rewarded and what to expect, and its adapter is one for text", async () => {
  using toy = new Toy();
  const settings = asking(toy, {}, { train: { steps: 12 } });
  const { first, last } = await toy.train("out", settings);
  assert.ok(
    first!["reward"]! < 0.5 && last!["reward"]! > 0.6,
    `${first!["reward"]} ${last!["reward"]}`,
  );
  assert.ok(last!["value_loss"]! < first!["value_loss"]!);
  const { config, whole } = readPeft(toy.path("out", "adapter"));
  assert.deepEqual([config["task_type"], config["modules_to_save"], whole], [
    "CAUSAL_LM",
    null,
    [],
  ]);
  const from = { adapter: { from: toy.path("out", "adapter"), rank: undefined } };
  const { first: again } = await toy.train("on", {
    ...settings,
    ...from,
    train: { ...settings.train, steps: 1 },
  });
  assert.ok(again!["kl"]! > 0.01, "it began where the other ended");
});

Deno.test("ppo that is stopped ends with the same bytes, in the middle of its answers and guarded", async () => {
  using toy = new Toy();
  const guard = { text: [toy.text], share: 0.5, every: 3, budget: "ppl:5%" };
  const settings = asking(toy, { iterations: 2, answers: 2 }, {
    guard,
    train: { tokens_per_batch: 128, steps: 4, checkpoint_every: 2 },
  });
  const { forgetting } = await toy.train("whole", settings);
  let updates = 0;
  const stopWanted = () => ++updates === 3;
  assert.ok((await toy.train("stopped", settings, { stopWanted })).stopped);
  await toy.train("stopped", settings, { resume: true });
  assert.deepEqual(toy.adapter("stopped"), toy.adapter("whole"));
  const { task_tokens: tokens } = forgetting!.cost!;
  const told = toy.metrics("whole").map((line) => line["supervised"]!);
  assert.ok(tokens > told.reduce((sum, count) => sum + count, 0) && tokens < 4 * 128, `${tokens}`);
});
