/** Rows of two answers: what they are read as, what is learnt of them, and how they are packed. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError, FileError } from "../../../src/errors.ts";
import {
  batch,
  ChatTemplate,
  type DataEntry,
  encode,
  type Example,
  ExampleStore,
  fitLength,
  loadExamples,
  type LoadOptions,
  readDocuments,
  type RowTokenizer,
  sidesOf,
  Stream,
} from "../../../src/data/mod.ts";
import { joinSides } from "../../../src/data/tokenize/sides.ts";
import { examplesIn, recordOf } from "../../../src/data/store/record.ts";
import { decode, decodeSupervised, exampleOf, toyChatEncoder, withFiles } from "../../data/toy.ts";

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
  { entry = {}, options = {} }: { entry?: Partial<DataEntry>; options?: Partial<LoadOptions> } = {},
) {
  let loaded;
  const text = rows.map((row) => JSON.stringify(row)).join("\n");
  await withFiles({ "a.jsonl": text }, async (folder) => {
    const limits = { maxTokens: 1000, answers: "two" as const, ...options };
    loaded = await loadExamples({ path: `${folder}/a.jsonl`, ...entry }, tokenizer, limits);
  });
  return loaded! as Awaited<ReturnType<typeof loadExamples>>;
}

/** Both documents of a row, and what is learnt of each. */
async function sides(row: unknown, entry: Partial<DataEntry> = {}): Promise<[string, string][]> {
  const { examples } = await load([row], { entry });
  return sidesOf(examples[0]!).map((side) => [decode(side.ids), decodeSupervised(side)]);
}

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });

Deno.test("preference: a text prompt stands as it is before both answers", async () => {
  const row = { prompt: "1 + 1 =", chosen: " 2", rejected: " 3", source: "x" };
  assert.deepEqual(await sides(row), [
    ["<s>1 + 1 = 2</s>", " 2</s>"],
    ["<s>1 + 1 = 3</s>", " 3</s>"],
  ]);
  assert.deepEqual(await sides(row, { template: "plain" }), [
    ["<s>1 + 1 =\n 2</s>", " 2</s>"],
    ["<s>1 + 1 =\n 3</s>", " 3</s>"],
  ]);
});

Deno.test("preference: chats, the prompt explicit, in both answers, or a text", async () => {
  const explicit = {
    prompt: [user("Hi"), assistant("Hello"), user("How?")],
    chosen: [assistant("Fine")],
    rejected: [assistant("Go away")],
  };
  const wanted = [
    [
      "<s>user|Hi</s>assistant|Hello</s>user|How?</s>assistant|Fine</s>",
      "Fine</s>",
    ],
    [
      "<s>user|Hi</s>assistant|Hello</s>user|How?</s>assistant|Go away</s>",
      "Go away</s>",
    ],
  ];
  assert.deepEqual(await sides(explicit), wanted);
  const { prompt, chosen, rejected } = explicit;
  const implicit = { chosen: [...prompt, ...chosen], rejected: [...prompt, ...rejected] };
  assert.deepEqual(await sides(implicit), wanted);
  assert.deepEqual(await sides({ prompt: "Hi", ...implicit, messages: [] }), wanted);
  assert.deepEqual(await sides({ prompt, chosen: "Fine", rejected: "Go away" }), wanted);
  assert.deepEqual(await sides({ prompt: "Hi", chosen, rejected }), [
    ["<s>user|Hi</s>assistant|Fine</s>", "Fine</s>"],
    ["<s>user|Hi</s>assistant|Go away</s>", "Go away</s>"],
  ]);
});

Deno.test("preference: answers of several turns, of which train_on takes all or the last", async () => {
  const row = {
    chosen: [user("a"), assistant("b"), user("c"), assistant("d")],
    rejected: [user("a"), assistant("x"), user("c"), assistant("y")],
  };
  assert.deepEqual((await sides(row)).map(([, learnt]) => learnt), ["b</s>d</s>", "x</s>y</s>"]);
  const last = await sides(row, { train_on: "last" });
  assert.deepEqual(last.map(([, learnt]) => learnt), ["d</s>", "y</s>"]);
});

Deno.test("preference: one template of several is around both answers", async () => {
  const rows = Array.from(
    { length: 20 },
    (_, i) => ({ prompt: "p", chosen: `${i}`, rejected: "r" }),
  );
  const { examples } = await load(rows, { entry: { template: ["plain", "verbatim"] } });
  const prompts = examples.map((example) =>
    sidesOf(example).map((side) => {
      const [whole, answer] = [decode(side.ids), decodeSupervised(side)];
      return whole.slice(0, whole.length - answer.length);
    })
  );
  for (const [chosen, rejected] of prompts) assert.equal(chosen, rejected);
  assert.equal(new Set(prompts.flat()).size, 2);
});

Deno.test("preference: rows that are no preference, and those of two answers elsewhere", async () => {
  const same = [user("a"), assistant("b")];
  const faults: [unknown, RegExp][] = [
    [{ prompt: "p", chosen: "x", rejected: "x" }, /found chosen and rejected the same/],
    [{ chosen: same, rejected: same }, /found chosen and rejected the same/],
    [{ prompt: "p", chosen: "x", rejected: " " }, /found an empty rejected/],
    [{ chosen: same, rejected: [user("a"), assistant("")] }, /found an empty assistant's turn/],
    [{ chosen: "x", rejected: "y" }, /found the fields chosen, rejected, wanted the field prompt/],
    [{ prompt: "p", chosen: "x", rejected: 1 }, /found a number in rejected, wanted a string/],
    [{ prompt: ["p"], chosen: "x", rejected: "y" }, /\(prompt\[0\]\): found a string/],
    [{ prompt: 7, chosen: same, rejected: [user("a"), assistant("c")], x: 1 }, /found a number in/],
    [
      { chosen: same, rejected: [user("c"), assistant("d")] },
      /found chosen and rejected that begin with different turns, wanted the same prompt in both/,
    ],
    [
      {
        chosen: [{ role: "system", content: "s" }, ...same],
        rejected: [{ role: "system", content: "s" }, user("c"), assistant("d")],
      },
      /found a turn of user in chosen where the answer should begin, wanted an assistant's turn/,
    ],
    [
      { chosen: [...same, user("c"), assistant("d")], rejected: same },
      /found a turn of user in chosen where the answer should begin/,
    ],
    [{ prompt: [user("a")], chosen: [], rejected: "y" }, /found nothing in chosen after/],
  ];
  for (const [row, message] of faults) {
    const all = new RegExp(`a\\.jsonl:1.*${message.source}`);
    await assert.rejects(
      load([row]),
      (error) => error instanceof FileError && all.test(error.message),
    );
  }
  const row = { prompt: "p", chosen: "x", rejected: "y" };
  const { examples } = await load([row, { ...row, rejected: "x" }], {
    entry: { on_empty: "drop" },
  });
  assert.equal(examples.length, 1);
  await assert.rejects(
    load([row], { options: { answers: "one" } }),
    (error) =>
      error instanceof ConfigError &&
      /a\.jsonl:1: found a row of two answers \(format preference\), wanted rows of one/
        .test(error.message),
  );
  await assert.rejects(
    load([{ prompt: "p", completion: "x" }]),
    /a\.jsonl:1: found a row of one answer, wanted rows of chosen and rejected ones/,
  );
  assert.throws(
    () => encode({ ...documentOf(), origin: "o" }, { ...tokenizer, target: { start: 0, pad: 0 } }),
    /o: found a preference, wanted rows of one answer: the model has an encoder/,
  );
  const entry = { inversion: { share: 1 } };
  await assert.rejects(load([row], { entry }), /found rows of kind preference, wanted/);
});

function documentOf() {
  const span = { text: "x", supervised: true, eos: true };
  const side = { kind: "spans", spans: [span], origin: "o" } as const;
  return { kind: "preference", answers: [side, side] } as const;
}

const pairOf = (chosen: number, rejected: number, seed = 0): Example =>
  joinSides([exampleOf(chosen, seed), exampleOf(rejected, seed + 1)], { origin: `pair:${seed}` });

Deno.test("preference: both documents fit together, or the policy says what becomes of them", () => {
  const lengths = (example: Example, ...limits: [number, number]) =>
    fitLength(example, limits[0], "truncate", null, limits[1])
      .flatMap(sidesOf).map(({ ids }) => ids.length);
  assert.deepEqual(lengths(pairOf(20, 12), 20, 32), [20, 12]);
  assert.deepEqual(lengths(pairOf(20, 12), 20, 30), [18, 12], "the shorter keeps all it has");
  assert.deepEqual(lengths(pairOf(20, 12), 20, 24), [12, 12]);
  assert.deepEqual(lengths(pairOf(20, 12), 15, 32), [15, 12]);
  assert.deepEqual(lengths(pairOf(20, 12), 20, 16), [], "an answer is cut off");
  assert.equal(fitLength(pairOf(20, 12), 20, "drop", null, 31).length, 0);
  assert.equal(fitLength(pairOf(20, 12), 19, "drop", null, 99).length, 0);
  for (const policy of ["error", "split"] as const) {
    assert.throws(
      () => fitLength(pairOf(20, 12), 20, policy, null, 31),
      /pair:0: found 20 and 12 tokens of answers.*wanted at most 20 of each and 31 of all/,
    );
  }
});

Deno.test("preference: the two documents stand side by side in one micro-batch (property)", async () => {
  const length = fc.integer({ min: 2, max: 16 });
  const pairs = fc.array(fc.tuple(length, length), { minLength: 1 });
  await fc.assert(fc.asyncProperty(pairs, async (pairs) => {
    using store = new ExampleStore();
    const examples = pairs.map(([a, b], i) => store.keep(pairOf(a, b, i)));
    const options = { T: 32, seed: 5, shuffle: true };
    const stream = new Stream(examples, options);
    const seen: number[] = [];
    const micros = await stream.micros(1);
    for (let i = 0; i < micros; i++) {
      const { documents, tokens, positions, rows, targets } = await stream.micro(i);
      assert.equal(documents.length % 2, 0);
      for (const [k, { example, isNext, begin, length, rowBegin, rowEnd }] of documents.entries()) {
        assert.equal(isNext ?? false, k % 2 === 1);
        const want = exampleOf(pairs[example]![k % 2]!, example + k % 2);
        assert.deepEqual(tokens.slice(begin, begin + length), want.ids);
        assert.equal(positions[begin], 0);
        const learnt = want.labels.filter((label) => label >= 0);
        assert.deepEqual([...targets.slice(rowBegin, rowEnd)], [...learnt]);
        assert.ok(rows[rowBegin]! >= begin && rows[rowEnd - 1]! < begin + length);
        if (!isNext) seen.push(example);
        else assert.equal(example, seen.at(-1));
      }
    }
    assert.deepEqual(seen.sort((a, b) => a - b), pairs.map((_, i) => i));
  }));
});

Deno.test("preference: a record keeps where documents begin, their grades and the margin", () => {
  const pair = pairOf(9, 7);
  const three = joinSides([exampleOf(3), exampleOf(4), exampleOf(5)], {
    ...{ grades: [0.5, -2, 7], origin: "three" },
  });
  const margin = joinSides([exampleOf(3), exampleOf(4)], { margin: -1.5, origin: "margin" });
  for (const example of [three, margin]) {
    const [kept] = examplesIn(recordOf(example));
    assert.deepEqual(kept!.sides, example.sides);
    assert.deepEqual(sidesOf(kept!).map(({ ids }) => ids), sidesOf(example).map(({ ids }) => ids));
  }
  const [single, kept] = examplesIn(
    Uint32Array.from([...recordOf(exampleOf(5)), ...recordOf(pair)]),
  );
  assert.equal(single!.sides, undefined);
  assert.deepEqual(kept!.sides, { lengths: [9, 7] });
  assert.equal(kept!.origin, "pair:0");
  assert.deepEqual(batch([kept!], 16), batch([pair], 16));
});

Deno.test("preference: a row's documents are told apart from those of other rows by both answers", async () => {
  const rows = [["x", "y"], ["x", "z"], ["x", "y"], ["x", "z"]].map(([chosen, rejected]) => ({
    ...{ prompt: "p", chosen, rejected },
  }));
  await withFiles({ "a.json": JSON.stringify(rows) }, async (folder) => {
    const split = { part: "a", shares: { a: 0.5, b: 0.5 }, seed: 0 };
    const read = (part: string) =>
      Array.fromAsync(readDocuments({ path: `${folder}/a.json`, split: { ...split, part } }));
    const counts = await Promise.all(["a", "b"].map(async (part) => (await read(part)).length));
    assert.deepEqual(counts, [2, 2]);
  });
});
