/** Rows whose answers are labelled: how they are read, and that the label goes where the tokens go. */
import assert from "node:assert/strict";
import {
  answersOf,
  batch,
  type Example,
  ExampleStore,
  fitLength,
  loadExamples,
  type LoadOptions,
} from "../../../src/data/mod.ts";
import { examplesIn, recordOf } from "../../../src/data/store/record.ts";
import { decode, decodeSupervised, toyChatEncoder, withFiles } from "../../data/toy.ts";

async function load(rows: readonly unknown[], options: Partial<LoadOptions> = {}) {
  let examples: Example[] = [];
  const text = rows.map((row) => JSON.stringify(row)).join("\n");
  await withFiles({ "a.jsonl": text }, async (folder) => {
    const limits = { maxTokens: 1000, answers: "labelled" as const, ...options };
    ({ examples } = await loadExamples({ path: `${folder}/a.jsonl` }, toyChatEncoder, limits));
  });
  return examples;
}

const ROW = { prompt: "1 + 1 =", completion: " 2", label: true };

Deno.test("labelled: what is learnt is that of a completion, and the label is told", async () => {
  const [right, wrong] = await load([ROW, { ...ROW, completion: " 3", label: false }]);
  assert.equal(decode(right!.ids), "<s>1 + 1 = 2</s>");
  assert.equal(decodeSupervised(wrong!), " 3</s>");
  assert.deepEqual([right!.label, wrong!.label], [1, 0]);
  assert.equal(answersOf(wrong!), "labelled");
});

Deno.test("labelled: the label is kept by records, stores, batches and what is cut", async () => {
  for (const label of [true, false]) {
    const [example] = await load([{ ...ROW, label }]);
    const wanted = Number(label);
    assert.equal(examplesIn(recordOf(example!)).next().value!.label, wanted);
    using store = new ExampleStore();
    assert.equal(store.keep(example!).label, wanted);
    assert.equal(batch([example!], 32).documents[0]!.label, wanted);
    const [cut] = fitLength(example!, example!.ids.length - 1, "truncate", null);
    assert.equal(cut!.label, wanted);
  }
  const [example] = await load([ROW]);
  assert.throws(() => fitLength(example!, 4, "split", null), /a\.jsonl:1: found 11 tokens, wanted/);
});

Deno.test("labelled: a label that is none is refused, and other rows have none", async () => {
  for (const [label, found] of [["good", '"good"'], [1, "1"], [null, "null"]]) {
    await assert.rejects(
      load([{ ...ROW, label }]),
      new RegExp(`a\\.jsonl:1: found ${found} in label`),
    );
  }
  const { label: _, ...plain } = ROW;
  await assert.rejects(load([plain]), /found a row of one answer, wanted rows of labelled ones/);
  await assert.rejects(load([ROW], { answers: "one" }), /format labelled.*objective\.kind kto/);
  const [example] = await load([plain], { answers: "one" });
  assert.equal(example!.label, undefined);
});
