/** Runs that learn from preferences: stopped and resumed, beside the guard, and what they refuse. */
import assert from "node:assert/strict";
import { ConfigError } from "../../src/errors.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { train } from "../../src/train/run.ts";
import { engine } from "../harness.ts";
import { Toy, type ToySettings } from "../train/toy.ts";

const WORDS = ["red", "blue", "a long word", "no", "yes.", "tom saw ann", "x"];

/** Rows that prefer the longer of two answers. */
function writePreferences(toy: Toy, count = 12): string {
  const lines = Array.from({ length: count }, (_, i) => {
    const [a, b] = [WORDS[i % 7]!, WORDS[(i * 3 + 2) % 7]!];
    const [chosen, rejected] = a.length > b.length ? [a, b] : [b, a];
    return JSON.stringify({ prompt: `say ${i}: `, chosen: `${chosen}${i}`, rejected });
  });
  const path = toy.path("preferences.jsonl");
  Deno.writeTextFileSync(path, lines.join("\n"));
  return path;
}

const preferring = (path: string, settings: ToySettings = {}) => ({
  data: [{ path }],
  objective: { kind: "dpo" },
  ...settings,
});

Deno.test("a run of preferences learns them, and says so of eval.data", async () => {
  using toy = new Toy();
  const path = writePreferences(toy);
  const settings = preferring(path, {
    train: { steps: 12, eval_every: 6 },
    eval: { data: [{ path }] },
  });
  const { measured, first, last } = await toy.train("out", settings);
  assert.ok(Math.abs(first!.loss - Math.log(2)) < 1e-6, "an adapter that is nothing yet");
  assert.equal(first!["reward_margin"], 0);
  assert.ok(last!.loss < 0.6 && last!["reward_accuracy"]! > 0.8);
  assert.ok(last!["rewards_chosen"]! > last!["rewards_rejected"]!);
  assert.ok(measured["eval_loss"]! < 0.6 && measured["eval_reward_accuracy"]! > 0.8);
  const evaluated = toy.metrics("out").map((line) => line["eval_loss"]);
  assert.ok(Math.abs(evaluated[0]! - Math.log(2)) < 1e-6);
  assert.ok(evaluated[6]! < evaluated[5]! && evaluated[5] === evaluated[0]);
});

Deno.test("a run without a reference learns preferences, and the chosen answers beside them", async () => {
  using toy = new Toy();
  const path = writePreferences(toy);
  for (const kind of ["cpo", "simpo", "orpo"]) {
    const settings = preferring(path, { objective: { kind }, train: { steps: 12 } });
    const { first, last } = await toy.train(kind, settings);
    assert.ok(last!.loss < first!.loss, kind);
    assert.ok(last!["reward_margin"]! > first!["reward_margin"]!, kind);
    assert.equal("sft_loss" in last!, kind !== "simpo", kind);
    if (kind !== "simpo") assert.ok(last!["sft_loss"]! < first!["sft_loss"]!, kind);
  }
});

Deno.test("a run of preferences that is stopped ends with the same bytes, guarded or not", async (t) => {
  using toy = new Toy();
  const path = writePreferences(toy);
  const guards = {
    alone: false,
    guarded: { text: [toy.text], share: 0.5, every: 3, budget: "ppl:5%" },
  };
  for (const [name, guard] of Object.entries(guards)) {
    await t.step(name, async () => {
      const settings = preferring(
        path,
        { guard, train: { steps: 6, checkpoint_every: 2 } } as ToySettings,
      );
      const whole = await toy.train(name, settings);
      let updates = 0;
      const stopWanted = () => ++updates === 3;
      const { stopped } = await toy.train(`${name} stopped`, settings, { stopWanted });
      assert.ok(stopped);
      await toy.train(`${name} stopped`, settings, { resume: true });
      assert.deepEqual(toy.adapter(`${name} stopped`), toy.adapter(name));
      const losses = (out: string) =>
        toy.metrics(out).map(({ loss, grad_norm }) => [loss, grad_norm]);
      assert.deepEqual(losses(`${name} stopped`), losses(name));
      if (guard) {
        const { task } = whole.forgetting!;
        assert.equal(task!.unit, "nats a preference");
        assert.ok(Math.abs(task!.base_loss - Math.log(2)) < 1e-6, "the base is the reference");
      }
    });
  }
});

Deno.test("what an objective does not go with is refused by name", async () => {
  using toy = new Toy();
  const path = writePreferences(toy);
  const refused = async (settings: ToySettings, message: RegExp, kind?: "pretrain") => {
    const { device } = await engine();
    await assert.rejects(async () => {
      const parsed = parseConfig({ values: toy.values("out", settings) });
      await train(parsed, { device, ...(kind && { kind }) });
    }, (error) => error instanceof ConfigError && message.test(error.message));
  };
  const dpo = (settings: Record<string, unknown>) => ({
    ...preferring(path),
    objective: { kind: "dpo", ...settings },
  });
  await refused(
    { data: [{ path }] },
    /preferences\.jsonl:1: found a row of two answers .*kind dpo/,
  );
  await refused(
    { eval: { data: [{ path }] } },
    /preferences\.jsonl:1: found a row of two answers .*kind dpo/,
  );
  await refused(
    preferring(path, { data: [{ path: toy.rows, format: "tokens" }] } as ToySettings),
    /rows\.jsonl:1: found a row of one answer, wanted rows of chosen and rejected ones/,
  );
  await refused(
    { ...preferring(path), adapter: { dropout: 0.1 } },
    /adapter\.dropout: found one beside objective\.kind dpo/,
  );
  await refused(
    preferring(path),
    /objective\.kind: found dpo, wanted sft: a model from/,
    "pretrain",
  );
  await refused(
    dpo({ loss: "ipo", label_smoothing: 0.1 }),
    /objective\.label_smoothing: found 0\.1 beside objective\.loss ipo, wanted 0/,
  );
  await refused(
    dpo({ loss: "robust" }),
    /objective\.label_smoothing: found 0 beside objective\.loss robust, wanted one above 0/,
  );
  await refused(dpo({ beta: 0 }), /objective\.beta: found 0, wanted a number above 0/);
  await refused(
    dpo({ loss: "kto" }),
    /objective\.loss: .*wanted sigmoid, sigmoid_norm, ipo, .* or apo_down/,
  );
  await refused(dpo({ bta: 1 }), /objective\.bta: unknown key, the nearest is objective\.beta/);
  await refused(
    { objective: { kind: "sft", beta: 0.1 } } as ToySettings,
    /objective\.beta: found one beside objective\.kind sft, wanted another kind or none/,
  );
  await refused(
    { objective: { kind: "trpo" } } as ToySettings,
    /objective\.kind: found "trpo", wanted sft, dpo, cpo, simpo, orpo, kto, classify, reward, gkd, grpo, rloo, reinforce\+\+ or ppo/,
  );
});
