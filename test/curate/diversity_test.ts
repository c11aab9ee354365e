import assert from "node:assert/strict";
import fc from "fast-check";
import { DistinctCounter } from "../../src/curate/diversity/distinct.ts";
import { distinct, diversity } from "../../src/curate/diversity/report.ts";
import { bagOf, nearest, rougeL } from "../../src/curate/diversity/rouge.ts";
import { verbObject } from "../../src/curate/diversity/verbs.ts";
import { words } from "../../src/curate/words.ts";
import golden from "./rouge_golden.json" with { type: "json" };
import { rowOf, rowsOf } from "./rows.ts";

Deno.test("rougeL() equals rouge-score on every golden pair", () => {
  for (const [a, b, expected] of golden as [string, string, number][]) {
    assert.ok(Math.abs(rougeL(words(a), words(b)) - expected) < 1e-12, `${a} | ${b}`);
  }
});

Deno.test("nearest() is the largest ROUGE-L, whatever it skips (property)", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 8 });
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 8 }), (own, others) => {
      const found = nearest(bagOf(own), others.map(bagOf));
      assert.equal(found, Math.max(0, ...others.map((other) => rougeL(own, other))));
    }),
  );
});

Deno.test("verbObject() finds the first verb and the head of what it governs", () => {
  for (
    const [instruction, verb, object] of [
      ["Write a short story about a dog.", "write", "story"],
      ["Please give me three examples of fruit", "give", "examples"],
      ["Given a text, summarize it in one line.", "summarize", ""],
      ["Could you translate this English sentence into French?", "translate", "sentence"],
      ["Rewrite the following sentence using a metaphor.", "rewrite", "sentence"],
      ["Explain why the sky is blue", "explain", ""],
    ]
  ) assert.deepEqual(verbObject(instruction!), { verb, object }, instruction);
  assert.equal(verbObject("What is the capital of France?"), null);
  assert.equal(verbObject(""), null);
});

Deno.test("distinct() by hand", () => {
  const texts = ["a b a b", "a b c"].map((text) => text.split(" "));
  assert.equal(distinct(texts, 1), 3 / 7);
  assert.equal(distinct(texts, 2), 3 / 5); // ab ba ab, ab bc
  assert.equal(distinct(texts, 4), 1);
  assert.equal(distinct(texts, 5), 0);
});

Deno.test("diversity() counts files, instructions, verbs and nearest prompts", () => {
  const rows = [
    ...rowsOf(["Name a colour.", "red red"], ["Name a colour.", "blue"], ["Why?", "so"]),
    rowOf({ instruction: "Name one big colour", answer: "pink", origin: "b.json:3 (row 2)" }),
  ];
  const report = diversity(rows);
  assert.deepEqual(report, {
    rows: 4,
    files: [["rows.jsonl", 3], ["b.json", 1]],
    instructions: 3,
    top_instructions: [["Name a colour.", 2], ["Why?", 1], ["Name one big colour", 1]],
    verb_objects: 1,
    top_verb_objects: [["name colour", 3]],
    without_verb: 1,
    distinct: [4 / 5, 1, 0, 0],
    // "Why?" has nothing in common, the fourth 2 of 3 + 4 words with the first, these all.
    nearest_rouge_l: [1, 0, 0, 0, 0, 1, 0, 0, 0, 2],
    nearest_sample: 4,
    sample: 4,
  });
});

Deno.test("diversity() of many rows is that of a sample, but for rows and files", () => {
  const rows = Array.from({ length: 60 }, (_, i) => {
    const texts = { instruction: `Name thing ${i}`, answer: `word${i} word` };
    return rowOf({ ...texts, origin: `${i % 3 ? "a" : "b"}.jsonl:${i}` });
  });
  const whole = diversity(rows);
  assert.deepEqual(diversity(rows, 60), whole);
  const report = diversity(rows, 20);
  assert.deepEqual([report.rows, report.files], [60, [["a.jsonl", 40], ["b.jsonl", 20]]]);
  assert.deepEqual([report.sample, report.nearest_sample, report.instructions], [20, 20, 20]);
  assert.equal(report.distinct[0], 21 / 40);
  assert.equal(whole.distinct[0], 61 / 120);
  const drawn = report.top_instructions.map(([text]) => Number(text.split(" ")[2]));
  assert.deepEqual(drawn, drawn.toSorted((a, b) => a - b), "in their order");
  assert.notDeepEqual(drawn, drawn.map((_, i) => i), "from all over");
  assert.deepEqual(diversity(rows, 20), report, "the same whenever it is asked for");
});

Deno.test("DistinctCounter counts exactly while there is room, then nearly", () => {
  const count = (texts: number, most?: number) => {
    const different = new DistinctCounter(most);
    for (let i = 0; i < texts; i++) different.add(`text ${i}`);
    for (let i = 0; i < texts; i += 7) different.add(`text ${i}`);
    return different.count();
  };
  for (const texts of [0, 1, 1 << 10, 20_000]) assert.equal(count(texts), texts);
  assert.equal(count(1 << 11, 1 << 12), 1 << 11, "half of the room");
  // From 2^11 up to 2^12 hashes are kept: a standard error of 2.2 % at most.
  const found = count(100_000, 1 << 12);
  assert.ok(found !== 100_000 && Math.abs(found / 100_000 - 1) < 0.1, `${found}`);
});
