/** Rewards by others: a schema's validator, a judge, a reward model. */
import assert from "node:assert/strict";
import { parseRewards } from "../../src/config/parse_rewards.ts";
import { openReward } from "../../src/rewards/mod.ts";
import { judgeReward } from "../../src/rewards/judge.ts";
import { JUDGE_PROMPT } from "../../src/rewards/settings.ts";
import { grantsOf } from "../../src/cli/permissions/grants.ts";
import { openTuned } from "../../src/tune/cache.ts";
import { withFiles } from "../data/toy.ts";
import { promptOf, withEndpoint } from "../self_instruct/endpoint.ts";
import { Toy, type ToySettings } from "../train/toy.ts";

const answersOf = (completions: readonly string[], row = {}) =>
  completions.map((completion, i) => ({
    ...{ prompt: `q${i}`, completion, row, origin: `rows.jsonl:${i + 1}` },
  }));

const SCHEMA = {
  type: "object",
  required: ["name", "age"],
  properties: { name: { type: "string", pattern: "^[A-Z]" }, age: { type: "integer", minimum: 0 } },
  additionalProperties: false,
};

Deno.test("an answer is JSON of a schema or not", async () => {
  const files = {
    "person.json": JSON.stringify(SCHEMA),
    "seven.json": JSON.stringify({
      $schema: "http://json-schema.org/draft-07/schema#",
      type: "null",
    }),
    "typo.json": JSON.stringify({ type: "object", propertys: {} }),
    "endless.json": JSON.stringify({ type: "string", pattern: "^(a+)+$" }),
  };
  await withFiles(files, async (folder) => {
    const open = (keys: object) =>
      openReward(parseRewards([{ kind: "json_schema", ...keys }], folder));
    const person = await open({ schema: "person.json" });
    const texts = [
      '{"name": "Ann", "age": 3}',
      ' {"age":0,"name":"T"}\n',
      '{"name": "ann", "age": 3}',
      '{"name": "Ann", "age": 3.5}',
      '{"name": "Ann", "age": 3, "x": 1}',
      '```json\n{"name": "Ann", "age": 3}\n```',
      "[".repeat(5000),
      "",
    ];
    assert.deepEqual(await person.score(answersOf(texts)), [1, 1, 0, 0, 0, 0, 0, 0]);
    const tagged = await open({ schema: "seven.json", within: "json" });
    assert.deepEqual(await tagged.score(answersOf(["so <json>null</json>", "null"])), [1, 0]);
    await assert.rejects(
      open({ schema: "typo.json" }),
      /typo\.json: found no JSON Schema that can be used \(strict mode: unknown keyword: "propertys"\)$/,
    );
    const endless = await open({ schema: "endless.json" });
    await assert.rejects(
      endless.score(answersOf([JSON.stringify(`${"a".repeat(40)}b`)])),
      /Cannot use the pattern/,
    );
  });
});

const saying = (content: string) =>
  Response.json({ choices: [{ message: { content }, finish_reason: "stop" }] });

Deno.test("a judge's ratings become 0 to 1", async () => {
  const ratings = ["Good. [[10]]", "From [[1]] to [[10]], it is a [[5.5]]", "[[ 1 ]]"];
  await withEndpoint(async (endpoint, asked) => {
    const reward = await openReward(parseRewards([{
      ...{ kind: "judge", endpoint: `${endpoint}/`, model: "tiny", parallel: 1 },
      prompt: "{prompt} | {completion} | {facts} | {answer}",
    }], "."));
    const row = { facts: ["a", 1], answer: "$&" };
    assert.deepEqual(await reward.score(answersOf(["x", "y", "z"], row)), [1, 0.5, 0]);
    assert.deepEqual(asked.map(promptOf), [
      'q0 | x | ["a",1] | $&',
      'q1 | y | ["a",1] | $&',
      'q2 | z | ["a",1] | $&',
    ]);
    const { path, body } = asked[0]!;
    assert.deepEqual([path, body["model"], body["temperature"], body["max_tokens"]], [
      "/v1/chat/completions",
      "tiny",
      0,
      512,
    ]);
    await assert.rejects(
      reward.score(answersOf(["x"], { facts: 1 })),
      /rows\.jsonl:1: found no column answer among facts, wanted it for the prompt of the reward judge/,
    );
  }, (number) => saying(ratings[number]!));
  assert.ok(JUDGE_PROMPT.includes("{prompt}") && JUDGE_PROMPT.includes("{completion}"));
});

Deno.test("a judge that gives no rating stops, unless that is worth something", async () => {
  await withEndpoint(async (endpoint) => {
    const judge = { kind: "judge", endpoint, model: "tiny" };
    const open = (more: object) => openReward(parseRewards([{ ...judge, ...more }], "."));
    await assert.rejects(
      (await open({})).score(answersOf(["x"])),
      /^FileError: rows\.jsonl:1: found "I cannot say: \[\[11\]\]" of the judge, wanted a rating from 1 to 10 in double brackets$/,
    );
    const forgiving = await open({ unrated: 0.25 });
    assert.deepEqual(await forgiving.score(answersOf(["x"])), [0.25]);
    assert.deepEqual(await (await open({ range: [0, 20] })).score(answersOf(["x"])), [0.55]);
  }, () => saying("I cannot say: [[11]]"));
});

Deno.test("a judge that is down is asked again, and then named", async () => {
  await withEndpoint(async (endpoint, asked) => {
    const [config] = parseRewards([{ kind: "judge", endpoint, model: "tiny", parallel: 1 }], ".");
    const lines: string[] = [];
    const reward = judgeReward(config as Parameters<typeof judgeReward>[0], {
      say: (line) => lines.push(line),
      wait: () => Promise.resolve(),
    });
    await assert.rejects(
      Promise.resolve(reward.score(answersOf(["x", "y"]))),
      /chat\/completions: found status 503, in 5 tries$/,
    );
    assert.equal(asked.length, 5);
    assert.equal(lines.length, 4);
  }, () => new Response("", { status: 503 }));
});

/** Rows to be answered. */
function asked(toy: Toy): string {
  const rows = ["ann", "tom"].map((prompt) => JSON.stringify({ prompt, completion: " saw" }));
  Deno.writeTextFileSync(toy.path("asked.jsonl"), rows.join("\n"));
  return toy.path("asked.jsonl");
}

Deno.test("a reward model gives what it gave the same answers of comparisons", async () => {
  using toy = new Toy();
  const answers = ["a long word", "no", "tom saw"];
  const rows = Array.from({ length: 4 }, (_, i) => ({
    ...{ prompt: `say ${i} `, answers, scores: [3, 1, 2] },
  }));
  const path = toy.path("ranked.jsonl");
  Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  const { measured } = await toy.train("out", {
    data: [{ path }],
    objective: { kind: "reward" },
    train: { steps: 20, lr: 1e-2 },
    eval: { data: [{ path }] },
  } as ToySettings);
  using device = await openTuned({}, () => {});
  const entry = { kind: "model", adapter: toy.path("out"), context: 64 };
  const reward = await openReward(parseRewards([{ ...entry, base: toy.model }], "."), { device });
  const answered = rows.flatMap(({ prompt }) =>
    answers.map((completion) => ({ prompt, completion, row: {} }))
  );
  const scores = await reward.score(answered);
  await reward.close();
  const learns = {
    data: [{ path: asked(toy), template: "verbatim" }],
    objective: {
      kind: "rloo",
      rewards: [{ ...entry, base: toy.model }],
      prompts: 2,
      answers: 2,
      max_tokens: 4,
    },
    train: { steps: 1, tokens_per_batch: undefined },
  };
  const { first } = await toy.train("online", learns as ToySettings);
  assert.ok(Number.isFinite(first!["reward"]) && first!["reward"] !== 0);
  const margins = rows.flatMap((_, i) => {
    const [a, b, c] = scores.slice(3 * i, 3 * i + 3) as [number, number, number];
    return [a - b, a - c, c - b];
  });
  const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  assert.ok(Math.abs(mean(margins) - measured["eval_margin"]!) < 1e-4);
  assert.ok(Math.abs(mean(scores) - measured["eval_mean_reward"]!) < 1e-4);
  assert.ok(Math.abs(measured["eval_margin"]!) > 0.1);
  await assert.rejects(
    openReward(parseRewards([entry], ".")),
    /^ConfigError: Found a reward model and no device, wanted one to run it on$/,
  );
});

Deno.test("an adapter that gives no rewards is no reward", async () => {
  using toy = new Toy();
  await toy.train("out", { train: { steps: 1 } } as ToySettings);
  using device = await openTuned({}, () => {});
  const entry = { kind: "model", adapter: toy.path("out"), base: toy.model };
  await assert.rejects(
    openReward(parseRewards([entry], "."), { device }),
    /wanted an adapter with a head of scores/,
  );
});

Deno.test("a command reaches the judge that its rewards name, and no other host", async () => {
  const judge = { kind: "judge", endpoint: "http://judge.example:8000/v1", model: "tiny" };
  const flags = ["--objective.rewards", JSON.stringify([judge])];
  const netOf = async (...args: string[]) =>
    (await grantsOf(["train", ...args], "0a1b2c3d")).net.filter((host) => host.includes("example"));
  assert.deepEqual(await netOf(...flags), ["judge.example:8000"]);
  assert.deepEqual(await netOf("--objective.rewards", '["number"]'), []);
  await withFiles(
    { "run.yaml": `objective: {rewards: [${JSON.stringify(judge)}]}` },
    async (folder) => {
      assert.deepEqual(await netOf(`${folder}/run.yaml`), ["judge.example:8000"]);
    },
  );
});
