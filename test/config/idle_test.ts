/** A value that would have no effect beside the others is refused. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseConfig, savedConfig } from "../../src/config/mod.ts";
import { loadExamples } from "../../src/data/mod.ts";
import { ConfigError } from "../../src/errors.ts";
import { writeJson } from "../../src/io/files.ts";
import { toyChatEncoder, withFiles } from "../data/toy.ts";
import { writeTinyAdapter } from "../models/tiny.ts";
import { Toy, type ToySettings } from "../train/toy.ts";
import { FILES } from "./data_keys.ts";
import { type Keys, withKeys } from "./keys.ts";

const BASE = { model: "base", data: [{ path: "a.jsonl" }] };
const parse = (keys: Keys) => parseConfig({ values: withKeys(BASE, keys) });

Deno.test("a key that nothing heeds is refused, with what makes it so", () => {
  const text = { "guard.text": ["a.txt"] };
  const refused: [Keys, RegExp][] = [
    [{ "train.eval_every": 5 }, /train\.eval_every: found 5 without eval\.data/],
    [{ "eval.samples": 0, "eval.sample_tokens": 9 }, /eval\.sample_tokens: found 9 beside eval\.s/],
    [{ "eval.data": [{ path: "b", weight: 2 }] }, /eval\.data\.0\.weight: found 2 on rows that/],
    [{ "data.0.weight": 2 }, /data\.0\.weight: found 2 on the only entry/],
    [{ "data.0.seed": 2 }, /data\.0\.seed: found 2 where nothing is drawn/],
    [{ mixture: { temperature: 2 } }, /mixture: found \{.*\} beside a single entry/],
    [{ ...text, "guard.samples": 9 }, /guard\.samples: found 9 beside guard\.text/],
    [
      { ...text, "guard.fisher_documents": 9 },
      /guard\.fisher_documents: found 9 beside a guard\.l/,
    ],
    [{ ...text, "guard.weight": 1, "guard.controller": { kp: 1 } }, /guard\.controller: found/],
    [
      { ...text, "guard.weight": 1, "guard.rollback": { at: 1 } },
      /guard\.rollback: found .* beside guard\.w/,
    ],
    [
      { ...text, "guard.weight": 0, "guard.share": 0.1 },
      /guard\.share: found 0\.1 beside guard\.w/,
    ],
    [{ ...text, "guard.rollback": { at: 0, most: 1 } }, /guard\.rollback\.most: found 1 beside/],
    [
      { ...text, "guard.loss": "ewc", "guard.weight": 1, "guard.share": 0.1 },
      /guard\.share: found 0\.1 beside guard\.loss ewc/,
    ],
    [{ "train.keep": "best" }, /train\.keep: found "best" beside train\.eval_every 0/],
    [{ "train.patience": 2 }, /train\.patience: found 2 beside train\.eval_every 0/],
    [{ "train.metric": "eval_loss" }, /train\.metric: found "eval_loss" without train\.keep/],
    [{ "train.min_delta": 0.1 }, /train\.min_delta: found 0\.1 without train\.keep/],
    [
      {
        ...{ ...text, "train.min_delta": 0.1, "train.keep": "best", "train.eval_every": 25 },
        "eval.data": [{ path: "t" }],
      },
      /train\.min_delta: found 0\.1 beside guard without train\.patience/,
    ],
    [{ "train.cycles": 2 }, /train\.cycles: found 2 beside train\.schedule cosine/],
    [{ "train.power": 2 }, /train\.power: found 2 beside train\.schedule cosine/],
    [{ "train.decay": 2 }, /train\.decay: found 2 beside train\.schedule cosine/],
    [
      { "train.schedule": "constant", "train.min_lr_ratio": 0.1 },
      /train\.min_lr_ratio: found 0\.1 beside train\.schedule constant/,
    ],
    [{ "eval.tasks": [{ path: "t", seed: 1 }] }, /eval\.tasks\.0\.seed: found 1 where nothing/],
  ];
  for (const [keys, message] of refused) {
    assert.throws(() => parse(keys), (fault: Error) => {
      assert.ok(fault instanceof ConfigError);
      assert.match(fault.message, message);
      assert.equal(fault.message.split("\n").length, 1, fault.message);
      return true;
    });
  }
  // What asks for nothing may stand anywhere.
  parse({ "train.eval_every": 0, "data.0.seed": 0 });
});

Deno.test("a saved config may be given again, with a flag that makes its defaults idle", () => {
  const folder = Deno.makeTempDirSync();
  const file = join(folder, "config.json");
  writeJson(file, savedConfig(parse({ "guard.text": ["a.txt"] })));
  const { config, origin } = parseConfig({ file, flags: { "guard.weight": "1" } });
  assert.ok(config.guard && config.guard.weight === 1);
  assert.equal(origin["guard.controller.kp"], "default");
  assert.throws(
    () => parseConfig({ file, flags: { "guard.weight": "1", "guard.controller.kp": "2" } }),
    /--guard\.controller\.kp|guard\.controller: found/,
  );
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a key that no row of a source heeds is refused", async () => {
  await withFiles(FILES, async (folder) => {
    const refused = (path: string, keys: Keys, message: RegExp) => {
      const entry = withKeys({ path: join(folder, path) }, keys);
      const { config } = parseConfig({ values: { ...BASE, data: [entry] } });
      const limits = { maxTokens: 1000 };
      return assert.rejects(loadExamples(config.data[0]!, toyChatEncoder, limits), message);
    };
    await refused("ask.jsonl", { eos: true }, /found eos true for rows of kind instruction/);
    await refused(
      "ask.jsonl",
      { train_on: "last" },
      /found train_on "last" .* wanted rows of chats/,
    );
    await refused("ask.jsonl", { positive_examples: 1 }, /found positive_examples 1/);
    await refused(
      "text.txt",
      { template: "plain" },
      /found template "plain" for rows of kind text/,
    );
  });
});

Deno.test("an adapter that is gone on from keeps its settings, and others are refused", async () => {
  using toy = new Toy();
  const from = toy.path("saved");
  writeTinyAdapter(from, toy.model); // of rank 3, alpha 6, on all linear layers
  const settings = (adapter: Keys): ToySettings => ({
    train: { steps: 1 },
    adapter: { rank: undefined, from, ...adapter },
  });
  await toy.train("on", settings({ targets: "all-linear", alpha: 6 }));
  const { adapter } = JSON.parse(Deno.readTextFileSync(toy.path("on", "config.json")));
  assert.deepEqual([adapter.rank, adapter.alpha, adapter.method], [3, 6, "lora"]);
  await toy.train("on", settings({ targets: "all-linear", alpha: 6 }), { resume: true });
  const refused: [Keys, RegExp][] = [
    [{ rank: 16 }, /adapter\.rank: found 16, but the adapter in .*saved has 3/],
    [{ alpha: 32 }, /adapter\.alpha: found 32, but .* has 6/],
    [{ rslora: true }, /adapter\.rslora: found true, but .* has false/],
    [{ targets: ["q_proj"] }, /adapter\.targets: found \["q_proj"\], but/],
    [{ exclude: ["q_proj"] }, /adapter\.exclude: found/],
    [{ layers: [0] }, /adapter\.layers: found \[0\], but/],
    [{ rank_pattern: { q_proj: 2 } }, /adapter\.rank_pattern: found 2, but .* has 3/],
    [{ modules_to_save: ["norm"] }, /adapter\.modules_to_save: found \["norm"\], but .* has \[\]/],
    [{ bias: "all" }, /adapter\.bias: found "all", but .* has "none"/],
    [{ method: "dora" }, /adapter\.method: found "dora", but .* has "lora"/],
  ];
  for (const [keys, message] of refused) {
    await assert.rejects(toy.train("refused", settings(keys)), message);
  }
  await toy.train("dropout", settings({ dropout: 0.5 })); // no part of its numbers
});

Deno.test("a model from nothing has no adapter to set", async () => {
  using toy = new Toy();
  await assert.rejects(
    toy.train("run", { adapter: { rank: 2 } }, { kind: "pretrain" }),
    /adapter\.rank: found one for a model from nothing, where it has no effect/,
  );
});
