/** Special tokens that are typed in a row, in every format; and answers in the context of prompts. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type DataEntry,
  encode,
  type Example,
  faultsOf,
  loadExamples,
  marksOf,
  promptOf,
  type RowTokenizer,
} from "../../../src/data/mod.ts";
import { decode, toyChatEncoder, toyEncoder, withFiles } from "../toy.ts";
import { byteLevelTokenizer, chatEncoder, sentencePieceTokenizer } from "./tokenizers.ts";

const [BOS, EOS] = [toyEncoder.bos!, toyEncoder.eos!];
const tokenizer: RowTokenizer = {
  ...toyChatEncoder,
  bosToken: "<s>",
  eosToken: "</s>",
  specialTokens: ["<s>", "</s>"],
};

type Row = Record<string, unknown>;

async function load(rows: readonly Row[], entry: Partial<DataEntry> = {}, of = tokenizer) {
  const lines = rows.map((row) => JSON.stringify(row)).join("\n");
  let loaded: { examples: Example[]; typed: number } | undefined;
  await withFiles({ "rows.jsonl": lines }, async (folder) => {
    const options = { maxTokens: 4096, answers: "any" as const, allow: ["double-bos"] as const };
    const found = await loadExamples({ path: `${folder}/rows.jsonl`, ...entry }, of, options);
    loaded = { examples: found.examples, typed: found.noted.with_special_tokens_as_text };
  });
  return loaded!;
}

/** How many of each special token an example has. */
const specials = ({ ids }: Example) =>
  [BOS, EOS].map((special) => ids.filter((id) => id === special).length);

const TYPED = "a <s>b</s> c";
/** A row of each format with special tokens typed in a field, and what belongs in its example. */
const ROWS: Record<string, [row: Row, own: [bos: number, eos: number]]> = {
  "alpaca, instruction": [{ instruction: TYPED, output: "x" }, [1, 1]],
  "alpaca, input": [{ instruction: "q", input: TYPED, output: "x" }, [1, 1]],
  "alpaca, output": [{ instruction: "q", output: `${TYPED}!` }, [1, 1]],
  "dolly, context": [{ instruction: "q", context: TYPED, response: "x" }, [1, 1]],
  "prompt": [{ prompt: TYPED, completion: "x" }, [1, 1]],
  "completion": [{ prompt: "q", completion: `${TYPED}!` }, [1, 1]],
  "question": [{ question: TYPED, answer: "x" }, [1, 1]],
  "input and output": [{ input: TYPED, output: `${TYPED}!` }, [1, 1]],
  "text": [{ text: TYPED }, [1, 0]],
  "preference": [{ prompt: TYPED, chosen: "x", rejected: `${TYPED}!` }, [2, 2]],
  "seed task": [{ instruction: TYPED, instances: [{ input: TYPED, output: "x" }] }, [1, 1]],
  "Super-NaturalInstructions": [{
    Definition: [TYPED],
    "Positive Examples": [{ input: TYPED, output: TYPED }],
    Instances: [{ input: TYPED, output: ["x"] }],
  }, [1, 1]],
};

for (const [name, [row, own]] of Object.entries(ROWS)) {
  Deno.test(`special tokens typed in a row stay text unless asked for: ${name}`, async () => {
    const { examples: [asText], typed } = await load([row]);
    assert.deepEqual(specials(asText!), own);
    assert.equal(typed, 1);
    assert.ok(decode(asText!.ids).includes(TYPED), "as it was typed");
    const asked = await load([row], { special_tokens: true });
    const [bos, eos] = specials(asked.examples[0]!);
    assert.ok(bos! > own[0] && eos! > own[1]);
    assert.equal(asked.typed, 0);
  });
}

Deno.test("special tokens typed in a chat stay text unless asked for", async () => {
  const messages = [{ role: "user", content: TYPED }, { role: "assistant", content: "x" }];
  const entry = { template: "vicuna" };
  assert.deepEqual(specials((await load([{ messages }], entry)).examples[0]!), [1, 1]);
  const asked = await load([{ messages }], { ...entry, special_tokens: true });
  assert.deepEqual(specials(asked.examples[0]!), [2, 2]);
});

Deno.test("special tokens in a template's own words are tokens, around typed ones that are not", async () => {
  const template = {
    prompt: "<s>Q: {instruction}</s>A:",
    promptInput: "<s>Q: {instruction} {input}</s>A:",
  };
  const row = { instruction: "</s>", input: "<s>", output: "x" };
  const { examples: [example] } = await load([row], { template });
  assert.deepEqual(specials(example!), [1, 2], "BOS once, as the template writes it");
  assert.equal(decode(example!.ids), "<s>Q: </s> <s></s>A:x</s>");
  const asked = promptOf({ kind: "instruction", instruction: "</s>", input: "<s>" }, tokenizer, {
    template,
  });
  assert.deepEqual(asked.ids, [...example!.ids].slice(0, -2), "read as it was learnt");
  const shots = { few_shot: { share: 1, shots: 1 }, template };
  const rows = [row, { instruction: "other", output: "</s>y" }];
  for (const { ids } of (await load(rows, shots)).examples) {
    const written = [BOS, EOS].map((special) => ids.filter((id) => id === special).length);
    assert.deepEqual(written, [2, 3], "two prompts and an end");
  }
});

Deno.test("rows of token ids stay as they are", async () => {
  const ids = [BOS, BOS, 97, EOS, BOS];
  const { examples: [example], typed } = await load([{ input_ids: ids, labels: ids }]);
  assert.deepEqual([...example!.ids], ids);
  assert.equal(typed, 0);
});

Deno.test("a text that begins with BOS is a fault, and has it once where it is asked for", async () => {
  const marks = marksOf(tokenizer);
  const rows = [{ text: "<s>[INST] q [/INST] a</s>" }, { text: " <s>b" }, { text: "a <s>" }];
  const { examples } = await load(rows);
  assert.deepEqual(examples.map((example) => faultsOf(example, marks)), [
    ["double-bos"],
    ["double-bos"],
    [],
  ]);
  const asked = await load(rows.slice(0, 1), { special_tokens: true });
  assert.deepEqual(specials(asked.examples[0]!), [1, 1]);
  assert.deepEqual(faultsOf(asked.examples[0]!, marks), []);
  const prompt = await load([{ prompt: "<s>[INST] q [/INST]", completion: "a" }]);
  assert.deepEqual(faultsOf(prompt.examples[0]!, marks), ["double-bos"]);
});

Deno.test("a source and its target keep typed special tokens as text too", async () => {
  const pair = { ...tokenizer, bos: null, target: { start: 300, pad: 301 } };
  const row = { prompt: TYPED, completion: `${TYPED}!` };
  const { examples: [example], typed } = await load([row], {}, pair);
  assert.deepEqual(specials(example!), [0, 2], "the ends of both");
  assert.equal(typed, 1);
});

/** The tokenizers of both kinds, which put a space before what they take for a beginning, or do not. */
const KINDS = {
  "SentencePiece": chatEncoder(sentencePieceTokenizer(), "<s>", "</s>"),
  "byte-level": chatEncoder(byteLevelTokenizer(), "<|begin_of_text|>", "<|eot_id|>"),
};

for (const [kind, of] of Object.entries(KINDS)) {
  Deno.test(`an answer is encoded as it stands after its prompt: ${kind}`, () => {
    const prompts = fc.constantFrom("Hello you", "the answer:", "2+2=", "user\n", "a: ");
    const answers = fc.constantFrom(" the answer", "Hello", "4", "  you", "\nyou", " 4", "?!");
    fc.assert(fc.property(prompts, answers, (prompt, answer) => {
      const spans = [
        { text: prompt, supervised: false, eos: false },
        { text: answer, supervised: true, eos: true },
      ];
      const { ids, labels } = encode({ kind: "spans", spans, origin: "test" }, of);
      assert.equal(of.decode(ids.slice(1, -1)).trimStart(), prompt + answer, "no space more");
      const together = of.encode(prompt + answer);
      const alone = of.encode(prompt);
      if (!alone.every((id, i) => id === together[i])) return; // a token over the boundary
      const learnt = labels.filter((label) => label >= 0);
      const whole = [...together.slice(alone.length), of.eos!];
      assert.equal(of.decode(learnt), of.decode(whole));
      if (!/^[ \n]{2}/.test(prompt.at(-1)! + answer)) assert.deepEqual([...learnt], whole);
    }));
  });
}

Deno.test("text to learn that the vocabulary lacks is a fault, in a prompt it is none", async () => {
  const known = /^[a-z ]$/;
  const lacking = (unknown: number | null): RowTokenizer => ({
    ...toyEncoder,
    encode: (text) =>
      [...text].flatMap((character) =>
        known.test(character) ? [character.charCodeAt(0)] : unknown === null ? [] : [unknown]
      ),
    ...(unknown === null
      ? { drops: (text: string) => [...text].some((character) => !known.test(character)) }
      : { unknown }),
  });
  for (const tokenizer of [lacking(300), lacking(null)]) {
    const faults = async (row: Row) => {
      const document = { template: "plain", on_empty: "drop" } as const;
      try {
        await load([row], document, tokenizer);
        return "none";
      } catch (fault) {
        return (fault as Error).message;
      }
    };
    assert.equal(await faults({ instruction: "q?", output: "yes" }), "none");
    const wanted =
      /found text to learn that the vocabulary lacks, .* "unknown-token" in train.allow/;
    assert.match(await faults({ instruction: "q", output: "yes é" }), wanted);
    assert.match(await faults({ text: "a 日" }), wanted);
    assert.match(await faults({ prompt: "q", chosen: "a", rejected: "é" }), wanted);
  }
});
