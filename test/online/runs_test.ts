/** Runs that learn from rewards: what they learn, stopped and resumed, and what they refuse. */
import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/mod.ts";
import { ConfigError, FileError } from "../../src/errors.ts";
import { train } from "../../src/train/run.ts";
import { engine } from "../harness.ts";
import { Toy, type ToySettings } from "../train/toy.ts";

const VOWEL = { kind: "regex", pattern: "[aeiou]" };

/** Rows that ask for something. */
function writeAsked(toy: Toy, name = "asked.jsonl", more: object = {}): string {
  const rows = Array.from(
    { length: 6 },
    (_, i) => ({ prompt: `say ${i}: `, completion: "a", ...more }),
  );
  Deno.writeTextFileSync(toy.path(name), rows.map((row) => JSON.stringify(row)).join("\n"));
  return toy.path(name);
}

const drawing = (path: string, objective: object = {}, settings: ToySettings = {}) => ({
  data: [{ path, template: "plain" }],
  objective: {
    ...{ kind: "grpo", rewards: [VOWEL], prompts: 3, answers: 6, max_tokens: 3, ...objective },
  },
  ...settings,
  train: {
    ...{ tokens_per_batch: undefined, lr: 0.02, schedule: "constant", warmup: 0 },
    ...settings.train,
  },
});

Deno.test("a run learns what is rewarded, and says so of eval.data", async () => {
  using toy = new Toy();
  const path = writeAsked(toy, "asked.jsonl", { answer: "e", note: "by hand" });
  const data = [{ path, template: "plain" }];
  const rewards = [VOWEL, {
    kind: "metric",
    metric: "exact_match",
    column: "answer",
    weight: 1e-6,
  }];
  const settings = drawing(path, { rewards }, {
    train: { steps: 12, eval_every: 6 },
    eval: { data },
  });
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const { measured, first, last } = await toy.train("out", settings, { say });
  assert.ok(Math.abs(first!["kl"]!) < 1e-6, "an adapter that is nothing yet");
  assert.ok(first!["reward"]! < 0.4 && last!["reward"]! > 0.6);
  assert.ok(last!["kl"]! > 0.1 && last!["answer_tokens"]! <= 3);
  assert.ok(Math.abs(measured["eval_reward"]! - 1) < 1e-5);
  const evaluated = toy.metrics("out").map((line) => line["eval_reward"]);
  assert.equal(evaluated[0], 0);
  assert.match(lines.join("\n"), /data: .*asked\.jsonl: 6 rows; not read: note \(6 rows\)$/m);
  const told = toy.metrics("out");
  for (const field of ["rollout_seconds", "judging_seconds"]) {
    assert.ok(told.every((line, i) => i === 0 || line[field]! >= told[i - 1]![field]!), field);
  }
  assert.ok(told.every((line) => line["rollout_tokens_per_second"]! > 0));
  const page = Deno.readTextFileSync(toy.path("out", "report.html"));
  for (
    const said of [/id="chart-reward"/, /id="chart-kl"/, /Where the time went/, />rollout<\/th>/]
  ) assert.match(page, said);
});

Deno.test("answers that are all worth the same are counted and move nothing", async () => {
  using toy = new Toy();
  const settings = drawing(writeAsked(toy), { rewards: [{ ...VOWEL, pattern: "@" }], resample: 1 });
  const { last } = await toy.train("out", { ...settings, train: { ...settings.train, steps: 2 } });
  assert.deepEqual([last!["no_signal"], last!["grad_norm"], last!["kl"]], [1, 0, 0]);
});

Deno.test("a run of rewards that is stopped ends with the same bytes, in the middle of its answers too", async (t) => {
  using toy = new Toy();
  const path = writeAsked(toy);
  const guard = { text: [toy.text], share: 0.5, every: 3, budget: "ppl:5%" };
  const cases = {
    "grpo": drawing(path, { iterations: 2, beta: 0.1 }),
    "rloo, guarded": drawing(path, { kind: "rloo" }, {
      guard,
      train: { tokens_per_batch: 128 },
    }),
    "reinforce++": drawing(path, { kind: "reinforce++", resample: 2 }),
  };
  for (const [name, { train, ...rest }] of Object.entries(cases)) {
    await t.step(name, async () => {
      const settings = { ...rest, train: { ...train, steps: 5, checkpoint_every: 2 } };
      await toy.train(name, settings);
      let updates = 0;
      const stopWanted = () => ++updates === 3;
      const { stopped } = await toy.train(`${name} stopped`, settings, { stopWanted });
      assert.ok(stopped);
      await toy.train(`${name} stopped`, settings, { resume: true });
      assert.deepEqual(toy.adapter(`${name} stopped`), toy.adapter(name));
      const told = (out: string) =>
        toy.metrics(out).map(({ loss, grad_norm, reward, kl }) => [loss, grad_norm, reward, kl]);
      assert.deepEqual(told(`${name} stopped`), told(name));
    });
  }
});

Deno.test("a reward that fails in the middle of a run loses nothing, and the run goes on", async () => {
  using toy = new Toy();
  const file = toy.path("reward.ts");
  /** @param most calls that it answers. */
  const write = (most: number) =>
    Deno.writeTextFileSync(
      file,
      `let calls = 0;
       export default (_: string, answer: string): number => {
         if (++calls > ${most}) throw new Error("no more");
         return answer.length;
       };`,
    );
  const settings = drawing(writeAsked(toy), {
    rewards: [{ kind: "function", path: file, timeout: 60 }],
  }, {
    train: { steps: 4, checkpoint_every: 0 },
  });
  write(1e9);
  await toy.train("whole", settings);
  write(1 + 2 * 3 * 6 + 5); // one to begin with, two updates and a part of the third
  await assert.rejects(
    () => toy.train("broken", settings),
    (fault) => fault instanceof FileError && /reward\.ts .*no more/.test(fault.message),
  );
  write(1e9);
  const { step } = await toy.train("broken", settings, { resume: true });
  assert.equal(step, 4);
  assert.deepEqual(toy.metrics("broken").map(({ step }) => step), [0, 1, 2, 3]);
  assert.deepEqual(toy.adapter("broken"), toy.adapter("whole"));
});

Deno.test("a run that pleases its reward alone ends in a sentence", async () => {
  using toy = new Toy();
  const lines: string[] = [];
  const settings = drawing(writeAsked(toy), { stop_kl: 1e-3 });
  const { step } = await toy.train("out", settings, { say: (line) => lines.push(line) });
  assert.equal(step, 3); // the first is of the base, the second is told of before the third
  assert.match(
    lines.join("\n"),
    /objective\.stop_kl: found [\d.]+ nats a token from the base at update 1, .*this update is the last/,
  );
});

Deno.test("what learning from rewards does not go with is refused by name", async () => {
  using toy = new Toy();
  const path = writeAsked(toy);
  const two = toy.path("two.jsonl");
  Deno.writeTextFileSync(two, JSON.stringify({ prompt: "a", chosen: "b", rejected: "c" }));
  const refused = async (settings: ToySettings, message: RegExp, kind?: "pretrain") => {
    const { device } = await engine();
    await assert.rejects(async () => {
      const parsed = parseConfig({ values: toy.values("out", settings) });
      await train(parsed, { device, ...(kind && { kind }) });
    }, (error) => {
      assert.ok(error instanceof ConfigError || error instanceof FileError);
      assert.match(error.message, message);
      return true;
    });
  };
  const asked = (objective: object) => drawing(path, objective);
  await refused({ ...asked({}), adapter: { dropout: 0.1 } }, /adapter\.dropout: .*kind grpo/);
  await refused(asked({}), /objective\.kind: found grpo, wanted sft/, "pretrain");
  await refused(
    { ...asked({}), distributed: "mpi" } as ToySettings,
    /distributed: found mpi beside objective\.kind grpo/,
  );
  await refused(drawing(two), /two\.jsonl:1: found a row of two answers/);
  await refused(
    asked({ rewards: ["contains"] }),
    /asked\.jsonl:1: found no column answer among prompt, completion, wanted/,
  );
  await refused(asked({ answers: 1 }), /objective\.answers: found 1, wanted 2 at least/);
  await refused(asked({ rewards: undefined }), /objective\.rewards: missing/);
  await refused(
    asked({ epsilon: 0.1 }),
    /objective\.epsilon: found 0\.1 beside objective\.iterations 1/,
  );
  await refused(asked({ unbiased_kl: false }), /objective\.unbiased_kl: .*objective\.beta 0/);
  await refused(asked({ stop_drop: 0.1 }), /objective\.stop_drop: .*without eval\.data/);
  await refused(
    drawing(path, {}, { train: { tokens_per_batch: 128 } }),
    /train\.tokens_per_batch: found 128 beside objective\.kind grpo/,
  );
});
