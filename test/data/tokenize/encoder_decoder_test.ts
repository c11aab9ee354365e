/** What a model with an encoder learns from: sources and targets. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError, FileError } from "../../../src/errors.ts";
import {
  batch,
  type Document,
  encode,
  type Example,
  ExampleStore,
  fitLength,
  lengthOf,
  loadExamples,
  packedLength,
} from "../../../src/data/mod.ts";
import { promptIds } from "../../../src/data/tokenize/encoder_decoder.ts";
import { toyEncoder, withFiles } from "../toy.ts";

const [PAD, START, EOS] = [300, 301, toyEncoder.eos!];
const tokenizer = { ...toyEncoder, bos: null, target: { start: START, pad: PAD } };

const tokens = (ids: number[], labels: number[]): Document => ({
  ...{ kind: "tokens", ids, labels, origin: "rows.jsonl:1" },
});
const pairOf = (source: number, target: number): Example =>
  encode(tokens(Array(source).fill(7), Array(target).fill(8)), tokenizer);

Deno.test("encode: prompt and EOS are the source, answer and EOS the target", () => {
  const spans = [
    { text: "ab", supervised: false, eos: false },
    { text: "c", supervised: true, eos: true },
  ];
  const example = encode({ kind: "spans", spans, origin: "rows.jsonl:1" }, tokenizer);
  assert.deepEqual([...example.ids], [97, 98, EOS, START, 99, EOS]);
  assert.deepEqual([...example.labels], [-100, -100, -100, -100, 99, EOS]);
  assert.equal(example.sourceLength, 3);
  assert.deepEqual([lengthOf(example), packedLength(example)], [6, 3]);
  assert.deepEqual(promptIds({ text: "ab", written: [] }, tokenizer), [97, 98, EOS]);
});

Deno.test("encode: token rows are source and labels as transformers has them", () => {
  const example = encode(tokens([5, 6], [-100, 7, -100, 8]), tokenizer);
  assert.deepEqual([...example.ids], [5, 6, START, PAD, 7, PAD, 8]);
  assert.deepEqual([...example.labels], [-100, -100, -100, -100, 7, -100, 8]);
  assert.throws(
    () => encode(tokens([5, 6], [5, 6, 7]), toyEncoder),
    /^FileError: rows.jsonl:1: found 3 labels for 2 input_ids, wanted as many of each$/,
  );
});

Deno.test("encode: a text or a chat is no pair", () => {
  const text: Document = {
    ...{ kind: "spans", spans: [{ text: "a", supervised: true, eos: true }], origin: "a.txt:1" },
  };
  const chat: Document = { kind: "chat", messages: [], template: null, origin: "chats.jsonl:1" };
  const wanted = "wanted an instruction and its answer: an encoder reads one, a decoder the other";
  for (
    const [document, found] of [[text, "a.txt:1: found a text"], [
      chat,
      "chats.jsonl:1: found a chat",
    ]] as const
  ) {
    assert.throws(() => encode(document, tokenizer), new ConfigError(`${found}, ${wanted}`));
  }
});

Deno.test("fitLength: source and target have so many tokens each, and no pieces", () => {
  const long = encode(tokens([1, 2, 3, 4, EOS], [6, 7, 8, 9, EOS]), tokenizer);
  const cut = fitLength(long, 4, "truncate", null)[0]!;
  assert.deepEqual([...cut.ids], [1, 2, 3, EOS, START, 6, 7, 8]);
  assert.deepEqual([...cut.labels], [-100, -100, -100, -100, -100, 6, 7, 8]);
  assert.equal(cut.sourceLength, 4);
  assert.deepEqual(fitLength(long, 6, "truncate", null), [long]);
  assert.deepEqual(fitLength(long, 5, "drop", null), []);
  for (const policy of ["error", "split"] as const) {
    const fault = new FileError("rows.jsonl:1: found 6 tokens, wanted at most 5");
    assert.throws(() => fitLength(long, 5, policy, null), fault);
  }
});

Deno.test("loadExamples: rows of instructions become pairs", () =>
  withFiles({ "rows.jsonl": '{"instruction":"Say a","output":"a"}\n' }, async (folder) => {
    const entry = { path: `${folder}/rows.jsonl`, template: "plain" };
    const { examples: [example] } = await loadExamples(entry, tokenizer, { maxTokens: 9 });
    assert.deepEqual([...example!.ids.subarray(example!.sourceLength)], [START, 97, EOS]);
  }));

Deno.test("batch: worked by hand, of two sources and their targets", () => {
  const { source, ...target } = batch([pairOf(3, 1), pairOf(1, 2)], 8);
  assert.deepEqual([...target.tokens], [START, 8, START, 8, 8, 0, 0, 0]);
  assert.deepEqual([...target.start], [0, 0, 2, 2, 2, 5, 6, 7]);
  assert.deepEqual([[...target.rows], [...target.targets]], [[0, 2, 3], [8, 8, 8]]);
  assert.equal(target.used, 9);
  const rows = Object.fromEntries(Object.entries(source!).map(([name, row]) => [name, [...row]]));
  assert.deepEqual(rows, {
    tokens: [7, 7, 7, 7, 0, 0, 0, 0],
    positions: [0, 1, 2, 0, 0, 0, 0, 0],
    start: [0, 0, 0, 3, 4, 5, 6, 7],
    end: [3, 3, 3, 4, 5, 6, 7, 8],
    from: [0, 0, 3, 3, 3, 4, 4, 4],
    to: [3, 3, 4, 4, 4, 4, 4, 4],
    first: [0, 0, 0, 2, 5, 5, 5, 5],
    past: [2, 2, 2, 5, 5, 5, 5, 5],
  });
  const alone = encode(tokens([1], [1]), { ...tokenizer, target: undefined }, ["unsupervised"]);
  assert.throws(() => batch([pairOf(1, 1), alone], 8), /found 1 sources of 2 documents/i);
});

Deno.test("batch: what sees a source and what a source is seen by are one relation (property)", () => {
  const size = fc.integer({ min: 1, max: 9 });
  fc.assert(fc.property(fc.array(fc.tuple(size, size), { minLength: 1, maxLength: 4 }), (sizes) => {
    const { source } = batch(sizes.map(([s, t]) => pairOf(s, t)), 40);
    const { from, to, first, past } = source!;
    for (let i = 0; i < 40; i++) {
      for (let j = 0; j < 40; j++) {
        assert.equal(from[i]! <= j && j < to[i]!, first[j]! <= i && i < past[j]!);
      }
    }
    for (const row of [from, to, first, past]) assert.deepEqual(row, row.toSorted());
  }));
});

Deno.test("ExampleStore keeps where a source ends", () => {
  using store = new ExampleStore();
  const { ids, labels, sourceLength, origin } = pairOf(3, 2);
  const kept = store.keep(pairOf(3, 2));
  assert.deepEqual([kept.ids, kept.labels, kept.sourceLength, kept.origin], [
    ...[ids, labels, sourceLength, origin],
  ]);
  assert.equal(packedLength(kept), 3);
  assert.equal(store.keep(encode(tokens([1, 2], [1, 2]), toyEncoder)).sourceLength, undefined);
});
