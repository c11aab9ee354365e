import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { ConfigError } from "../../src/errors.ts";
import { configHelp, jsonSchema, parseConfig } from "../../src/config/mod.ts";

const NEEDED = { model: "base", data: "rows.jsonl" };

Deno.test("parseConfig() fills in the defaults", () => {
  const { config, origin } = parseConfig({ flags: NEEDED });
  assert.deepEqual(config, {
    model: resolve("base"),
    data: [{
      path: resolve("rows.jsonl"),
      train_on: "all",
      on_empty: "error",
      positive_examples: 2,
      seed: 0,
      special_tokens: false,
      eos: false,
    }],
    adapter: {
      ...{ rank: 16, alpha: 32, targets: "all-linear", rslora: false },
      ...{ rank_pattern: {}, alpha_pattern: {}, modules_to_save: [], bias: "none" },
      init_rho: 2,
      init_whiten: false,
    },
    objective: { kind: "sft" },
    train: {
      lr: 2e-4,
      schedule: "cosine",
      ...{ min_lr_ratio: 0, cycles: 1, power: 1, decay: 0.2 },
      warmup: 0.03,
      weight_decay: 0,
      ...{ optimizer: "adamw", momentum: 0.9, nesterov: false },
      ...{ outer_lr: 1, outer_momentum: 0 },
      ...{ lora_plus_ratio: 1, lr_pattern: {}, weight_decay_pattern: {} },
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8,
      clip: 1,
      seed: 42,
      shuffle: true,
      log_every: 1,
      eval_every: 0,
      keep: "last",
      min_delta: 0,
      metric: "eval_loss",
      checkpoint_every: 100,
      allow: [],
      retries: 3,
    },
    guard: false,
    eval: { data: [], tasks: [], samples: 4, sample_tokens: 40, sample_every: 0 },
    out: resolve("runs/train"),
    log: [],
    history: true,
    rank_timeout: 120,
  });
  assert.equal(origin["model"], "flag");
  assert.equal(origin["data.0.path"], "flag");
  assert.equal(origin["data.0.eos"], "default");
  assert.equal(origin["adapter.alpha"], "default");
});

Deno.test("parseConfig() lets flags win over the file and tells where each value came from", () => {
  withFile({ ...NEEDED, data: [{ path: "rows.jsonl" }], train: { lr: 0.1, seed: 7 } }, (file) => {
    const { config, origin } = parseConfig({ file, flags: { "train.lr": "1e-4" } });
    assert.equal(config.train.lr, 1e-4);
    assert.equal(config.train.seed, 7);
    assert.equal(origin["train.lr"], "flag");
    assert.equal(origin["train.seed"], "file");
    assert.equal(origin["train.clip"], "default");
  });
});

Deno.test("parseConfig() takes paths relative to the file, and out to the working directory", () => {
  const given = {
    model: "base",
    data: [{ path: "rows.jsonl" }],
    adapter: { from: "/adapters/first" },
    guard: { text: ["../text"] },
    out: "runs/mine",
  };
  withFile(given, (file, folder) => {
    const { config } = parseConfig({ file, flags: { "data.1.path": "more.jsonl" } });
    assert.equal(config.model, join(folder, "base"));
    assert.equal(config.data[0]?.path, join(folder, "rows.jsonl"));
    assert.equal(config.data[1]?.path, resolve("more.jsonl"));
    assert.equal(config.adapter.from, "/adapters/first");
    assert.deepEqual(config.guard && config.guard.text, [resolve(folder, "../text")]);
    assert.equal(config.out, resolve("runs/mine"));
  });
});

Deno.test("parseConfig() takes a template by name, written out, or as a file beside the config", () => {
  const templateOf = (template: unknown) => {
    let found: unknown;
    withFile({ ...NEEDED, data: [{ path: "rows.jsonl", template }] }, (file, folder) => {
      const { config } = parseConfig({ file });
      found = JSON.parse(JSON.stringify(config.data[0]!.template).replaceAll(folder, "~"));
    });
    return found;
  };
  for (const name of ["model", "llama-2", "plain"]) assert.equal(templateOf(name), name);
  assert.deepEqual(templateOf({ file: "own.jinja" }), { file: "~/own.jinja" });
  assert.throws(() => templateOf("llama2"), /data\.0\.template: found "llama2", wanted alpaca/);
});

Deno.test("parseConfig() reads flags as the kind of value that the table wants", () => {
  const { config } = parseConfig({
    flags: {
      ...NEEDED,
      "train.shuffle": "false",
      "train.clip": "0",
      "adapter.targets": "q_proj,v_proj",
      "guard.text": '["a.txt","b.txt"]',
      "data.split": '{"part": "test", "shares": {"train": 0.9, "test": 0.1}}',
      "adapter.from": "null",
    },
  });
  assert.equal(config.train.shuffle, false);
  assert.equal(config.train.clip, 0);
  assert.deepEqual(config.adapter.targets, ["q_proj", "v_proj"]);
  assert.deepEqual(config.guard && config.guard.text, [resolve("a.txt"), resolve("b.txt")]);
  assert.equal(config.data[0]?.split?.shares.test, 0.1);
  assert.equal("from" in config.adapter, false);
});

Deno.test("parseConfig() turns the guard of a file off with --guard false", () => {
  withFile({ ...NEEDED, data: [{ path: "x" }], guard: { text: ["a"] } }, (file) => {
    assert.equal(parseConfig({ file, flags: { guard: "false" } }).config.guard, false);
    assert.throws(() => parseConfig({ file, flags: { guard: "true" } }), ConfigError);
  });
});

Deno.test("parseConfig() accepts one of steps and epochs, and a flag for one unsets the other", () => {
  withFile({ ...NEEDED, data: [{ path: "x" }], train: { epochs: 2 } }, (file) => {
    assert.equal(parseConfig({ file }).config.train.epochs, 2);
    const { train } = parseConfig({ file, flags: { "train.steps": "3" } }).config;
    assert.equal(train.steps, 3);
    assert.equal(train.epochs, undefined);
  });
  assert.match(
    faultsOf({ ...NEEDED, "train.steps": "3", "train.epochs": "2" })[0]!,
    /^--train\.epochs: found 2 beside train\.steps, wanted only one of the two$/,
  );
});

Deno.test("parseConfig() reports all faults in one error, one line each", () => {
  const faults = faultsOf({
    data: "rows.jsonl",
    "adapter.rank": "1.5",
    "adapter.targets": "[]",
    "train.lr": "fast",
    "train.schedule": "step",
    "train.micro_batch_tokens": "100",
    "guard.share": "2",
    "guard.budget": "2%",
  });
  assert.deepEqual(faults.sort(), [
    "--adapter.rank: found 1.5, wanted a whole number of at least 1",
    "--adapter.targets: found [], wanted all-linear or a list that is not empty or a name",
    '--guard.budget: found "2%" in the budget "2%", wanted ppl:PERCENT% or kl:NATS, such as ' +
    "ppl:2%, kl:0.02 or ppl[stories]:1%",
    "--guard.share: found 2, wanted a number above 0 and of at most 1",
    '--train.lr: found "fast", wanted a number above 0',
    "--train.micro_batch_tokens: found 100, wanted a multiple of 8 above 0",
    '--train.schedule: found "step", wanted cosine, linear, constant, cosine_with_restarts, ' +
    "polynomial, inverse_sqrt or warmup_stable_decay",
    "model: missing, wanted a folder or repository",
  ]);
});

Deno.test("parseConfig() names the nearest known key for an unknown one", () => {
  const faults = faultsOf({
    ...NEEDED,
    "adapter.rnk": "8",
    lr: "1",
    "data.tempalte": "2",
    "eval.data": "b",
    "eval.data.tempalte": "2",
    "guard.text": "a",
    "guard.evry": "3",
    "tain.lr": "1",
  });
  assert.deepEqual(faults.sort(), [
    "--adapter.rnk: unknown key, the nearest is adapter.rank",
    "--data.0.tempalte: unknown key, the nearest is data.template",
    "--eval.data.0.tempalte: unknown key, the nearest is eval.data.template",
    "--guard.evry: unknown key, the nearest is guard.every",
    "--lr: unknown key, the nearest is train.lr",
    "--tain.lr: unknown key, the nearest is train",
  ]);
});

Deno.test("parseConfig() names the file of a fault", () => {
  withFile({ model: 3, data: [], train: { warmpu: 0 } }, (file) => {
    assert.deepEqual(messageOf(() => parseConfig({ file })).split("\n"), [
      `${file}: model: found 3, wanted a folder or repository`,
      `${file}: data: found [], wanted a list that is not empty`,
      `${file}: train.warmpu: unknown key, the nearest is train.warmup`,
    ]);
  });
  assert.throws(() => parseConfig({ file: "missing.json" }), ConfigError);
});

Deno.test("parseConfig() wants tokens_per_batch to hold whole micro-batches", () => {
  const sizes = { "train.tokens_per_batch": "1000", "train.micro_batch_tokens": "512" };
  assert.deepEqual(faultsOf({ ...NEEDED, ...sizes }), [
    "--train.tokens_per_batch: found 1000, wanted a multiple of train.micro_batch_tokens (512)",
  ]);
});

Deno.test("parseConfig() returns what nothing can change", () => {
  const { config, origin } = parseConfig({ flags: NEEDED });
  for (const part of [config, config.train, config.data, config.data[0], origin]) {
    assert.ok(Object.isFrozen(part));
  }
});

Deno.test("parseConfig() makes the plainest loop", () => {
  const train = {
    steps: 5,
    schedule: "constant",
    warmup: 0,
    clip: 0,
    shuffle: false,
    log_every: 1,
  };
  const values = { model: "base", data: [{ path: "x" }], train, guard: false };
  const { config, origin } = parseConfig({ values });
  assert.deepEqual({ ...config.train, ...train }, config.train);
  assert.equal(config.guard, false);
  assert.equal(origin["train.clip"], "call");
});

Deno.test("configHelp() explains every key", () => {
  const { config } = parseConfig({ flags: { ...NEEDED, "guard.text": "a", "train.steps": "1" } });
  const lines = configHelp().split("\n");
  const keys = [
    ...Object.keys(config.adapter).map((key) => `adapter.${key}`),
    ...Object.keys(config.train).map((key) => `train.${key}`),
    ...Object.keys(config.guard).map((key) => `guard.${key}`),
    ...Object.keys(config.data[0]!).map((key) => `data.${key}`),
    ...["model", "data", "guard", "out", "train.epochs", "adapter.from", "eval.samples"],
  ];
  for (const key of keys) {
    const line = lines.find((line) => line.startsWith(`--${key} `));
    assert.match(line ?? `no line for ${key}`, /^--\S+ .*[a-z]{3}/);
  }
  assert.ok(lines.every((line) => / {2}[A-Za-z].{5,}$/.test(line)), "a key without a help line");
});

Deno.test("jsonSchema() refuses unknown keys and wants a model", () => {
  const schema = jsonSchema();
  assert.equal(schema.additionalProperties, false);
  assert.deepEqual(schema.required, ["model", "data"]);
});

function faultsOf(flags: Record<string, string>): string[] {
  return messageOf(() => parseConfig({ flags })).split("\n");
}

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (fault) {
    assert.ok(fault instanceof ConfigError);
    return fault.message;
  }
  assert.fail("Expected a ConfigError");
}

function withFile(values: unknown, use: (file: string, folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    const file = join(folder, "config.json");
    Deno.writeTextFileSync(file, JSON.stringify(values));
    use(file, folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
