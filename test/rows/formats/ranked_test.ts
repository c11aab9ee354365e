/** Rows of several graded answers, and the transcripts of HH-RLHF: how they are read and paired. */
import assert from "node:assert/strict";
import {
  ChatTemplate,
  type DataEntry,
  type Example,
  loadExamples,
  type LoadOptions,
  type RowTokenizer,
  sidesOf,
} from "../../../src/data/mod.ts";
import { decode, decodeSupervised, toyChatEncoder, withFiles } from "../../data/toy.ts";

const template = new ChatTemplate(
  "toy",
  "{{ bos_token }}{% for m in messages %}{{ m.role }}|{{ m.content }}{{ eos_token }}{% endfor %}" +
    "{% if add_generation_prompt %}assistant|{% endif %}",
);
const tokenizer: RowTokenizer = {
  ...toyChatEncoder,
  chat: { ...toyChatEncoder.chat!, template },
};

async function load(
  rows: readonly unknown[],
  entry: Partial<DataEntry> = {},
  options: Partial<LoadOptions> = { answers: "ranked" },
): Promise<Example[]> {
  let examples: Example[] = [];
  const text = rows.map((row) => JSON.stringify(row)).join("\n");
  await withFiles({ "a.jsonl": text }, async (folder) => {
    const limits = { maxTokens: 1000, ...options };
    ({ examples } = await loadExamples({ path: `${folder}/a.jsonl`, ...entry }, tokenizer, limits));
  });
  return examples;
}

const learnt = (example: Example) => sidesOf(example).map(decodeSupervised);

Deno.test("ranked: answers with their scores, in order without, and each once", async () => {
  const [scored, ordered, twice] = await load([
    { prompt: "p", answers: ["a", "b", "c"], scores: [1, 3, 2] },
    { prompt: "p", answers: ["a", "b"] },
    { prompt: "p", answers: ["a", "b", "a"], scores: [1, 2, 3] },
  ]);
  assert.deepEqual(learnt(scored!), ["a</s>", "b</s>", "c</s>"]);
  assert.deepEqual(scored!.sides!.grades, [1, 3, 2]);
  assert.deepEqual(ordered!.sides!.grades, [2, 1]);
  assert.deepEqual([learnt(twice!), twice!.sides!.grades], [["a</s>", "b</s>"], [1, 2]]);
  assert.deepEqual(sidesOf(scored!).map(({ ids }) => decode(ids)), [
    ...["<s>pa</s>", "<s>pb</s>", "<s>pc</s>"],
  ]);
});

Deno.test("ranked: rows of UltraFeedback, of Stack Exchange, and chats", async () => {
  const [ultra] = await load([{
    ...{ instruction: "i", source: "s" },
    completions: [{ response: "x", overall_score: 7.5 }, { response: "y", overall_score: 2 }],
  }]);
  assert.deepEqual([learnt(ultra!), ultra!.sides!.grades], [["x</s>", "y</s>"], [7.5, 2]]);
  const [stack] = await load([{
    ...{ qid: 1, question: "q" },
    answers: [{ text: "x", pm_score: -1, selected: false }, { text: "y", pm_score: 4 }],
  }]);
  assert.deepEqual([learnt(stack!), stack!.sides!.grades], [["x</s>", "y</s>"], [-1, 4]]);
  const [chat] = await load([{
    prompt: [{ role: "user", content: "Hi" }],
    answers: [[{ role: "assistant", content: "Yes" }], "No"],
  }]);
  assert.deepEqual(learnt(chat!), ["Yes</s>", "No</s>"]);
});

Deno.test("ranked: the best and the worst, or any worse one, are a preference", async () => {
  const rows = Array.from({ length: 20 }, () => ({
    ...{ prompt: "p", answers: ["a", "b", "c", "d"], scores: [2, 3, 1, 3] },
  }));
  const two = { answers: "two" } as const;
  for (const example of await load(rows, { pairs: "best-worst" }, two)) {
    assert.deepEqual([learnt(example), example.sides!.grades], [["b</s>", "c</s>"], undefined]);
  }
  const random = (await load(rows, { pairs: "best-random" }, two)).map(learnt);
  assert.ok(random.every(([chosen]) => chosen === "b</s>"));
  assert.deepEqual([...new Set(random.map(([, rejected]) => rejected))].sort(), ["a</s>", "c</s>"]);
  assert.deepEqual((await load(rows, { pairs: "best-random" }, two)).map(learnt), random);
  await assert.rejects(
    load([{ prompt: "p", chosen: "a", rejected: "b" }], { pairs: "best-worst" }, two),
    /found pairs "best-worst" for rows of kind .*wanted rows of graded answers, or no pairs/,
  );
});

Deno.test("ranked: answers that do not fit together are cut from the longest on", async () => {
  const row = { prompt: "p", answers: ["aaaaaaaaaaaa", "bb", "cccccccc"] };
  const cut = { answers: "ranked", onTooLong: "truncate", bothTokens: 20 } as const;
  const [example] = await load([row], {}, cut);
  assert.deepEqual(sidesOf(example!).map(({ ids }) => ids.length), [7, 5, 7]);
  assert.deepEqual(example!.sides!.grades, [3, 2, 1]);
});

Deno.test("preference: transcripts of HH-RLHF are chats that begin alike", async () => {
  const before = "\n\nHuman: Hi: you\n\nAssistant: Hello.\n\nHuman: And?";
  const row = { chosen: `${before}\n\nAssistant: Fine.`, rejected: `${before}\n\nAssistant: Go` };
  const [example] = await load([row], {}, { answers: "two" });
  assert.deepEqual(sidesOf(example!).map(({ ids }) => decode(ids)), [
    "<s>user|Hi: you</s>assistant|Hello.</s>user|And?</s>assistant|Fine.</s>",
    "<s>user|Hi: you</s>assistant|Hello.</s>user|And?</s>assistant|Go</s>",
  ]);
  assert.deepEqual(learnt(example!), ["Fine.</s>", "Go</s>"]);
  await assert.rejects(
    load([{ chosen: `${before}\n\nAssistant: A`, rejected: "no" }], {}, { answers: "two" }),
    /a\.jsonl:1: found the fields chosen, rejected, wanted the field prompt/,
  );
});
