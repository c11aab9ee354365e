/** The likelihoods of answers under a reference, measured once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseConfig } from "../../../src/config/mod.ts";
import { ConfigError } from "../../../src/errors.ts";
import { train } from "../../../src/train/run.ts";
import { withEnv } from "../../cli/capture.ts";
import { namesIn } from "../../io/helpers.ts";
import { engine } from "../../harness.ts";
import { writeTinyLlama } from "../../models/tiny.ts";
import { Toy, type ToyOptions, type ToySettings } from "../../train/toy.ts";

const WORDS = ["red", "blue", "a long word", "no", "yes.", "tom saw ann", "x"];

/** Rows of preferences, or each answer with its label. */
function write(toy: Toy, isPaired: boolean): string {
  const rows = Array.from({ length: 9 }, (_, i) => {
    const [a, b] = [WORDS[i % 7]!, WORDS[(i * 3 + 2) % 7]!];
    const prompt = `say ${i}: `;
    return isPaired
      ? { prompt, chosen: `${a}${i}`, rejected: b }
      : { prompt, completion: a, label: i % 2 === 0 };
  });
  const path = toy.path("rows.jsonl");
  Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  return path;
}

/** A toy with a cache of its own. */
async function withToy(
  isPaired: boolean,
  use: (
    run: (out: string, train: object, options?: ToyOptions) => Promise<string[]>,
    toy: Toy,
    cache: string,
  ) => Promise<void>,
) {
  using toy = new Toy();
  const path = write(toy, isPaired);
  const objective = isPaired ? { kind: "dpo" } : { kind: "kto", loss: "apo_zero_unpaired" };
  await withEnv({ XDG_CACHE_HOME: toy.path("cache") }, async () => {
    const run = async (out: string, train: object, options: ToyOptions = {}) => {
      const lines: string[] = [];
      const settings = { data: [{ path }], objective, eval: { data: [{ path }] }, train };
      await toy.train(out, settings as ToySettings, {
        say: (line) => lines.push(line),
        ...options,
      });
      return lines.filter((line) => line.includes("under the base"));
    };
    await use(run, toy, toy.path("cache", "graft", "reference"));
  });
}

const EPOCHS = { epochs: 3, checkpoint_every: 2 };

for (const isPaired of [true, false]) {
  const name = isPaired ? "preferences" : "labelled answers";
  Deno.test(`${name}: a run whose base is measured once is the same but for rounding`, () =>
    withToy(isPaired, async (run, toy) => {
      assert.match(
        (await run("once", EPOCHS))[0]!,
        /^reference +\d+ answers under the base, measured once$/,
      );
      const once = toy.metrics("once");
      assert.deepEqual(await run("again", { steps: once.filter(({ loss }) => loss).length }), []);
      const again = toy.metrics("again");
      assert.equal(again.length, once.length);
      for (const [i, line] of once.entries()) {
        for (const field of ["loss", "reward_margin", "eval_loss", "eval_reward_margin"]) {
          const [a, b] = [line[field] ?? 0, again[i]![field] ?? 0];
          assert.ok(Math.abs(a - b) < 1e-4, `${field} before update ${i}: ${a}, ${b}`);
        }
      }
    }));
}

Deno.test("what the cache holds, lacks or has wrong changes no bit of a run", () =>
  withToy(true, async (run, toy, cache) => {
    await run("first", EPOCHS);
    const same = async (out: string, words: RegExp, options?: ToyOptions) => {
      const [line = ""] = await run(out, EPOCHS, options);
      assert.match(line, words);
      assert.deepEqual(toy.adapter(out), toy.adapter("first"), out);
    };
    await same("known", /known from a run before/);
    const [file] = namesIn(cache);
    const path = join(cache, file!);
    const bytes = Deno.readFileSync(path);
    Deno.writeFileSync(path, bytes.with(bytes.length - 2, bytes.at(-2)! ^ 1));
    await same("damaged", /measured once/);
    assert.deepEqual(Deno.readFileSync(path), bytes);
    Deno.writeFileSync(path, bytes.subarray(8));
    await same("short", /measured once/);
    let updates = 0;
    await run("stopped", EPOCHS, { stopWanted: () => ++updates === 3 });
    Deno.removeSync(cache, { recursive: true });
    await same("stopped", /measured once/, { resume: true });
    assert.deepEqual(
      toy.metrics("stopped").map(({ loss, grad_norm }) => [loss, grad_norm]),
      toy.metrics("first").map(({ loss, grad_norm }) => [loss, grad_norm]),
    );
    Deno.removeSync(cache, { recursive: true });
    Deno.writeTextFileSync(cache, "a file is in the way");
    const lines = await run("unkept", EPOCHS);
    assert.match(lines.join("\n"), /measured once/);
    assert.deepEqual(toy.adapter("unkept"), toy.adapter("first"));
  }));

Deno.test("answers are compared beside an adapter, and a stopped run goes on with it", () =>
  withToy(true, async (run, toy, cache) => {
    await run("tuned", { steps: 3, lr: 0.02 });
    const [tuned] = [toy.path("tuned")];
    const data = [{ path: toy.path("rows.jsonl") }];
    const beside = async (out: string, objective: object, settings: ToySettings, more = {}) => {
      const all = { data, objective: { kind: "dpo", ...objective }, ...settings };
      const { first } = await toy.train(out, all as ToySettings, more);
      return first!;
    };
    const one = { train: { steps: 4, tokens_per_batch: 512, checkpoint_every: 2 } };
    const from = { ...one, adapter: { from: join(tuned, "adapter"), rank: undefined } };
    const same = await beside("same", { reference: tuned }, from);
    assert.ok(Math.abs(same["loss"]! - Math.LN2) < 1e-5, `${same["loss"]}`);
    const beyond = await beside("beyond", {}, from);
    const behind = await beside("behind", { reference: tuned }, one);
    assert.ok(Math.abs(beyond["reward_margin"]!) > 1e-3);
    for (const field of ["rewards_chosen", "rewards_rejected", "reward_margin"]) {
      assert.ok(Math.abs(beyond[field]! + behind[field]!) < 1e-4, field);
    }
    let updates = 0;
    await beside("stopped", { reference: tuned }, from, { stopWanted: () => ++updates === 3 });
    Deno.removeSync(cache, { recursive: true });
    await beside("stopped", { reference: tuned }, from, { resume: true });
    assert.deepEqual(toy.adapter("stopped"), toy.adapter("same"));
  }));

Deno.test("a reference that does not fit is refused by name", () =>
  withToy(true, async (run, toy) => {
    await run("tuned", { steps: 1 });
    const { device } = await engine();
    const refused = async (objective: object, message: RegExp, settings: ToySettings = {}) => {
      const data = [{ path: toy.path("rows.jsonl") }];
      const all = { data, objective: { kind: "dpo", ...objective }, ...settings };
      await assert.rejects(async () => {
        const values = toy.values("out", all as ToySettings);
        await train(parseConfig({ values }), { device });
      }, (fault) => fault instanceof ConfigError && message.test(fault.message));
    };
    const reference = toy.path("tuned");
    writeTinyLlama(toy.path("wider"), { hidden: 64, headDim: 16 });
    await refused(
      { reference },
      /objective\.reference: found .*tuned\/adapter, which does not fit .*wider/,
      { model: toy.path("wider") },
    );
    writeTinyLlama(toy.path("other"), { dtype: "BF16" });
    await refused(
      { reference },
      /objective\.reference: found .*tuned\/adapter of the base .*model, wanted one of .*other/,
      { model: toy.path("other") },
    );
    await refused(
      { kind: "kto", reference },
      /objective\.reference: found one beside objective\.loss kto, whose divergence/,
    );
    await refused({ kind: "cpo", reference }, /objective\.reference/);
  }));
