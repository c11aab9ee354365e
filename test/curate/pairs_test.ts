import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../src/cli/data.ts";
import { PairTally, readRowTexts } from "../../src/curate/mod.ts";
import { capture } from "../cli/capture.ts";
import { withFiles } from "../data/toy.ts";

/** What is said of the rows of a file. */
async function reportOf(rows: readonly object[]) {
  const tally = new PairTally();
  await withFiles(
    { "rows.jsonl": rows.map((row) => JSON.stringify(row)).join("\n") },
    async (folder) => {
      const path = join(folder, "rows.jsonl");
      await Array.fromAsync(readRowTexts({ path }, (content) => tally.add(content)));
    },
  );
  return tally.report();
}

Deno.test("pairs: ties, length bias, what is repeated and what is said the other way round", async () => {
  const pair = (prompt: string, chosen: string, rejected: string) => ({ prompt, chosen, rejected });
  assert.deepEqual(
    await reportOf([
      pair("a", "one two three", "one"),
      pair("a", "one two three", "one"), // again
      pair("a", "one", "one two three"), // the other way round
      pair("b", "one two", "two one"), // as long
      pair("b", "the same", "the same"), // a tie
      pair("c", "one two three", "one"), // of another prompt
    ]),
    {
      ...{ rows: 6, comparisons: 5, ties: 1 },
      ...{ better_longer: 3 / 5, better_shorter: 1 / 5 },
      ...{ words_better: (3 + 3 + 1 + 2 + 3) / 5, words_worse: (1 + 1 + 3 + 2 + 1) / 5 },
      ...{ prompts: 3, repeated: 1, reversed: 1 },
    },
  );
});

Deno.test("pairs: all answers of a row that differ in grade are compared", async () => {
  const report = await reportOf([
    { prompt: "a", answers: ["one", "one two", "one two three"], scores: [1, 2, 2] },
    { prompt: "b", answers: ["one", "two three"] },
  ]);
  const { rows, comparisons, ties, better_longer, better_shorter } = report!;
  assert.deepEqual([rows, comparisons, ties], [2, 3, 1]);
  assert.deepEqual([better_longer, better_shorter], [2 / 3, 1 / 3]);
});

Deno.test("pairs: of chats the turns after the prompt count", async () => {
  const turns = (...contents: string[]) =>
    contents.map((content, i) => ({ role: i % 2 === 0 ? "user" : "assistant", content }));
  const report = await reportOf([
    {
      chosen: turns("q", "a long answer", "r", "yes"),
      rejected: turns("q", "a long answer", "r", "no no"),
    },
    {
      prompt: turns("q", "a long answer", "r"),
      chosen: turns("", "yes").slice(1),
      rejected: turns("", "no no").slice(1),
    },
  ]);
  const { comparisons, words_better, words_worse, prompts, repeated } = report!;
  assert.deepEqual([comparisons, words_better, words_worse, prompts, repeated], [2, 1, 2, 1, 1]);
  assert.equal(await reportOf([{ instruction: "a", output: "b" }]), null);
});

Deno.test("data: says what pairs come to, and nothing of them where there are none", async () => {
  const rows = [
    { prompt: "Name a colour.", chosen: "It is red.", rejected: "Red" },
    { prompt: "Name a town.", chosen: "Rome", rejected: "I do not know." },
  ].map((row) => JSON.stringify(row)).join("\n");
  const files = {
    "pairs.jsonl": rows,
    "rows.jsonl": '{"instruction": "Name a town.", "output": "Rome"}',
  };
  await withFiles(files, async (folder) => {
    const { stderr } = await capture(run, join(folder, "pairs.jsonl"), "--steps", "none");
    assert.match(stderr, /comparisons {5}2 in 2 rows of 2 prompts, 0 ties beside them/);
    assert.match(stderr, /the better answer is longer in 50\.0 %, shorter in 50\.0 %;/);
    const { stdout } = await capture(run, join(folder, "pairs.jsonl"), "--steps", "none", "--json");
    assert.equal(JSON.parse(stdout).pairs.words_better, 2);
    const plain = await capture(run, join(folder, "rows.jsonl"), "--steps", "none", "--json");
    assert.equal("pairs" in JSON.parse(plain.stdout), false);
  });
});
