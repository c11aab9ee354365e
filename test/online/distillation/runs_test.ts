/** Runs that learn from a teacher: what they learn, stopped and resumed, and what they refuse. */
import assert from "node:assert/strict";
import { parseConfig } from "../../../src/config/mod.ts";
import { ConfigError } from "../../../src/errors.ts";
import { train } from "../../../src/train/run.ts";
import { engine } from "../../harness.ts";
import { type TinyOptions, writeTinyLlama } from "../../models/tiny.ts";
import { Toy, type ToySettings } from "../../train/toy.ts";

/** Rows that ask and answer, and a wider teacher. */
function setUp(toy: Toy): { rows: string; teacher: string } {
  const lines = Array.from(
    { length: 6 },
    (_, i) => JSON.stringify({ prompt: `say ${i}: `, completion: "ab".repeat(1 + i % 3) }),
  );
  Deno.writeTextFileSync(toy.path("asked.jsonl"), lines.join("\n"));
  const teacher = toy.path("teacher");
  writeTinyLlama(teacher, { hidden: 64, headDim: 16, inner: 96, layers: 3 });
  return { rows: toy.path("asked.jsonl"), teacher };
}

const distilling = (
  { rows, teacher }: { rows: string; teacher: string },
  objective: object = {},
  settings: ToySettings = {},
): ToySettings => ({
  data: [{ path: rows, template: "plain" }],
  objective: { kind: "gkd", teacher, prompts: 3, max_tokens: 4, ...objective },
  ...settings,
  train: {
    ...{ tokens_per_batch: undefined, lr: 0.02, schedule: "constant", warmup: 0 },
    ...settings.train,
  },
});

Deno.test("a run comes nearer to its teacher, on rows and on what it says itself", async () => {
  using toy = new Toy();
  const given = setUp(toy);
  const data = [{ path: given.rows, template: "plain" }];
  const settings = distilling(given, { lmbda: 0.5 }, {
    train: { steps: 10, eval_every: 10 },
    eval: { data },
  });
  const { measured, last } = await toy.train("out", settings);
  const [before] = toy.metrics("out").map((line) => line["eval_loss"]);
  assert.ok(measured["eval_loss"]! < 0.8 * before!, `${measured["eval_loss"]} after ${before}`);
  assert.ok(last!["answer_tokens"]! <= 7 && last!["on_policy"]! <= 1);
  const shares = toy.metrics("out").map((line) => line["on_policy"]!);
  assert.ok(shares.some((share) => share > 0) && shares.some((share) => share < 1));
});

Deno.test("distillation that is stopped ends with the same bytes, guarded too", async (t) => {
  using toy = new Toy();
  const given = setUp(toy);
  const guard = { text: [toy.text], share: 0.5, every: 3, budget: "ppl:5%" };
  const cases = {
    "drawn": distilling(given, { lmbda: 1, beta: 1, temperature: 0.8 }),
    "guarded": distilling(given, { lmbda: 0 }, { guard, train: { tokens_per_batch: 128 } }),
  };
  for (const [name, { train, ...rest }] of Object.entries(cases)) {
    await t.step(name, async () => {
      if (name === "guarded") delete (rest.objective as Record<string, unknown>)["max_tokens"];
      const settings = { ...rest, train: { ...train, steps: 4, checkpoint_every: 2 } };
      await toy.train(name, settings);
      let updates = 0;
      const stopWanted = () => ++updates === 3;
      assert.ok((await toy.train(`${name} stopped`, settings, { stopWanted })).stopped);
      await toy.train(`${name} stopped`, settings, { resume: true });
      assert.deepEqual(toy.adapter(`${name} stopped`), toy.adapter(name));
    });
  }
});

Deno.test("what distillation does not go with is refused by name", async () => {
  using toy = new Toy();
  const given = setUp(toy);
  const { device } = await engine();
  const refused = async (objective: object, message: RegExp, settings: ToySettings = {}) => {
    await assert.rejects(async () => {
      const values = toy.values("out", distilling(given, objective, settings));
      await train(parseConfig({ values }), { device });
    }, (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.match(error.message, message);
      return true;
    });
  };
  const other = (name: string, options: TinyOptions) => {
    writeTinyLlama(toy.path(name), options);
    return toy.path(name);
  };
  await refused(
    { teacher: other("more", { vocab: 100 }) },
    /objective\.teacher: found a vocabulary of 100 tokens in .*more, wanted the \d+ of .*model/,
  );
  await refused(
    { teacher: other("short", { config: { max_position_embeddings: 32 } }) },
    /objective\.teacher: .*short reads up to 32 tokens, wanted train\.micro_batch_tokens \(64\)/,
  );
  const strange = other("strange", {});
  const path = `${strange}/tokenizer.json`;
  const text = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(
    path,
    text.replace('"a":', '"§":').replace('"b":', '"a":').replace('"§":', '"b":'),
  );
  await refused(
    { teacher: strange },
    /objective\.teacher: found "b" as token \d+ of .*strange, wanted "a" as in .*model/,
  );
  await refused({ lmbda: 0 }, /objective\.max_tokens: found 4 beside objective\.lmbda 0/);
  await refused({ teacher: undefined }, /objective\.teacher: missing/);
});
