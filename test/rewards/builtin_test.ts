import assert from "node:assert/strict";
import { parseRewards } from "../../src/config/parse_rewards.ts";
import { openReward } from "../../src/rewards/mod.ts";

/** What the rewards give the completions of one row. */
async function scoresOf(
  rewards: unknown,
  completions: readonly string[],
  row: Readonly<Record<string, unknown>> = {},
) {
  const reward = await openReward(parseRewards(rewards, "."));
  return await reward.score(completions.map((completion) => ({ prompt: "?", completion, row })));
}

Deno.test("a metric judges answers beside a column of the row", async () => {
  const answers = ["the answer is 1,234", "#### 1234 or 7", "12", ""];
  assert.deepEqual(await scoresOf(["number"], answers, { answer: 1234 }), [1, 1, 0, 0]);
  assert.deepEqual(await scoresOf(["exact_match"], ["Paris."], { answer: ["Rome", "paris"] }), [1]);
  const named = [{ kind: "metric", metric: "contains", column: "city" }];
  assert.deepEqual(await scoresOf(named, ["in Paris, France", "Parish"], { city: "Paris" }), [
    1,
    0,
  ]);
  const within = [{ kind: "metric", metric: "exact_match_plain", within: "answer" }];
  const tagged = [
    "<answer>3</answer> no: <answer>\n4\n</answer>",
    "<answer>4",
    "4",
    "</answer>4<answer>",
  ];
  assert.deepEqual(await scoresOf(within, tagged, { answer: "4" }), [1, 0, 0, 0]);
});

Deno.test("a row without the column of a metric is named", async () => {
  await assert.rejects(
    scoresOf(["number"], ["4"], { question: "2 + 2", labels: 4 }),
    /^FileError: the row with the prompt "\?": found no column answer among question, labels, wanted a text or a list of texts for the reward number$/,
  );
  await assert.rejects(
    scoresOf(["number"], ["4"], { answer: { value: 4 } }),
    /found \{"value":4\} in its column answer, wanted a text/,
  );
});

Deno.test("a pattern matches somewhere, and ends where it would take for ever", async () => {
  const yesOrNo = [{ kind: "regex", pattern: "^(yes|no)\\b" }];
  assert.deepEqual(await scoresOf(yesOrNo, ["yes, sir", "oh no", "nope"]), [1, 0, 0]);
  const endless = [{ kind: "regex", pattern: "^(a+)+$" }];
  await assert.rejects(
    scoresOf(endless, [`${"a".repeat(40)}b`]),
    /Cannot use the pattern "\^\(a\+\)\+\$": it takes more than 1000 ms/,
  );
});

Deno.test("a format is tags in their order, each once", async () => {
  const strict = [{ kind: "format", tags: ["think", "answer"] }];
  assert.deepEqual(
    await scoresOf(strict, [
      "<think>a\nb</think>\n<answer>4</answer>\n",
      "<think>a</think> so <answer>4</answer>",
      "<think><think>a</think><answer>4</answer>",
      "<think>a</think><answer>4</answer> more",
      "<think>a</think><answer>4",
      "<answer>4</answer><think>a</think>",
    ]),
    [1, 0, 0, 0, 0, 0],
  );
  // think_format_reward of TRL
  const open = [{ kind: "format", tags: ["think"], text_after: true }];
  const answers = ["<think>a</think>4", "<think>a</think>4</think>", "a</think>4"];
  assert.deepEqual(await scoresOf(open, answers), [1, 0, 0]);
});

Deno.test("length costs beyond its bounds, as DAPO's overlong answers do", async () => {
  const between = [{ kind: "length", least: 2, most: 4, margin: 2 }];
  const ofWords = (count: number) => Array(count).fill("w").join(" ");
  const answers = [0, 1, 2, 4, 5, 6, 7].map(ofWords);
  assert.deepEqual(await scoresOf(between, answers), [-1, -0.5, 0, 0, -0.5, -1, -1]);
});

Deno.test("several rewards are summed by their weights", async () => {
  const reward = await openReward(parseRewards([
    { kind: "metric", metric: "number", weight: 2 },
    { kind: "regex", pattern: "!", weight: -0.5 },
  ], "."));
  const ofAnswer = (completion: string) => ({ prompt: "?", completion, row: { answer: 4 } });
  const answers = ["4!", "4", "5!"].map(ofAnswer);
  assert.equal(reward.name, "number+regex");
  assert.deepEqual(await reward.scoreParts(answers), {
    sums: [1.5, 2, -0.5],
    parts: [{ name: "number", scores: [1, 1, 0] }, { name: "regex", scores: [1, 0, 1] }],
  });
  assert.deepEqual(await reward.score([]), []);
});

Deno.test("parseRewards() names what is wrong, key by key", () => {
  const refuse = (rewards: unknown, message: string) =>
    assert.throws(() => parseRewards(rewards, "."), { name: "ConfigError", message });
  refuse([], "rewards: found [], wanted a list that is not empty");
  refuse(
    [{ kind: "regex", pattern: "(" }],
    "rewards.0.pattern: found no regular expression, wanted one",
  );
  refuse(
    [{ kind: "length", least: 3, most: 2 }],
    "rewards.0.most: found fewer words than in least, wanted as many at least",
  );
  refuse([{ kind: "format" }], "rewards.0.tags: missing, wanted a list that is not empty");
  refuse([{ kind: "regex", pattern: "a", wieght: 2 }], "rewards.0.wieght: unknown key");
  assert.throws(
    () => parseRewards([{ kind: "regx" }], "."),
    /^ConfigError: rewards\.0\.kind: found "regx", wanted metric, regex, .* or judge$/,
  );
  refuse(
    [{ kind: "regex", pattern: "a", tags: ["a"] }],
    "rewards.0.tags: found one beside rewards.0.kind regex, wanted another kind or none",
  );
  assert.throws(
    () => parseRewards(["nubmer"], "."),
    /^ConfigError: rewards\.0: found "nubmer", wanted/,
  );
});
