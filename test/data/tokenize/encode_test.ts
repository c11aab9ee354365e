import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError, FileError } from "../../../src/errors.ts";
import {
  countSupervised,
  type Document,
  encode,
  fitLength,
  limitLength,
  renderPrompt,
  resolveTemplate,
  templates,
} from "../../../src/data/mod.ts";
import { decode, decodeSupervised, exampleOf, toyEncoder } from "../toy.ts";

const text = fc.string({ unit: "grapheme", maxLength: 40 });

function instruction(prompt: string, answer: string): Document {
  return {
    kind: "spans",
    spans: [
      { text: prompt, supervised: false, eos: false },
      { text: answer, supervised: true, eos: true },
    ],
    origin: "rows.jsonl:1",
  };
}

Deno.test("encode: the mask shows exactly the answer and EOS, whatever the texts", () => {
  fc.assert(fc.property(text, text, (prompt, answer) => {
    const example = encode(instruction(prompt, answer), toyEncoder);
    assert.equal(decode(example.ids), `<s>${prompt}${answer}</s>`);
    assert.equal(decodeSupervised(example), `${answer}</s>`);
    assert.equal(example.labels.length, example.ids.length);
    example.labels.forEach((label, i) => assert.ok(label === -100 || label === example.ids[i]));
  }));
});

Deno.test("encode: plain text is supervised after BOS, with EOS only where asked", () => {
  for (const eos of [false, true]) {
    const example = encode(
      { kind: "spans", spans: [{ text: "Hi.", supervised: true, eos }], origin: "a.txt" },
      toyEncoder,
    );
    assert.equal(decode(example.ids), eos ? "<s>Hi.</s>" : "<s>Hi.");
    assert.equal(decodeSupervised(example), eos ? "Hi.</s>" : "Hi.");
  }
});

Deno.test("encode: without BOS the first token is context only", () => {
  const document: Document = {
    kind: "spans",
    spans: [{ text: "Hi.", supervised: true, eos: false }],
    origin: "a.txt",
  };
  const example = encode(document, { ...toyEncoder, bos: null });
  assert.equal(decode(example.ids), "Hi.");
  assert.equal(decodeSupervised(example), "i.");
});

Deno.test("encode: token rows stay as they are, but nothing predicts the first token", () => {
  const ids = [5, 6, 7];
  const example = encode({ kind: "tokens", ids, labels: [5, -100, 7], origin: "t:1" }, toyEncoder);
  assert.deepEqual([...example.ids], ids);
  assert.deepEqual([...example.labels], [-100, -100, 7]);
});

Deno.test("encode: a document without a supervised token is refused by name", () => {
  for (const labels of [[-100, -100], [5, -100]]) {
    const document: Document = { kind: "tokens", ids: [5, 6], labels, origin: "t.jsonl:9" };
    assert.throws(() => encode(document, toyEncoder), (error: Error) => {
      return error instanceof FileError && /^t\.jsonl:9: .*no supervised token/.test(error.message);
    });
  }
  const answer = instruction("Q", "A");
  assert.throws(() => encode(answer, { ...toyEncoder, eos: null }), ConfigError);
});

Deno.test("limitLength: drop, truncate and error", () => {
  const example = exampleOf(10); // supervised from token 5
  assert.equal(limitLength(example, 10, "error"), example);
  assert.equal(limitLength(example, 9, "drop"), null);
  const cut = limitLength(example, 7, "truncate")!;
  assert.deepEqual([...cut.ids], [...example.ids.slice(0, 7)]);
  assert.deepEqual([...cut.labels], [...example.labels.slice(0, 7)]);
  assert.equal(limitLength(example, 5, "truncate"), null, "its answer is cut off");
  assert.throws(() => limitLength(example, 9, "error"), /toy:0: found 10 tokens, wanted at most 9/);
});

Deno.test("fitLength: the pieces of a split hold every supervised token once, each after BOS", () => {
  const { bos } = toyEncoder;
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 90 }),
      fc.integer({ min: 2, max: 40 }),
      (length, most) => {
        const example = exampleOf(length);
        const pieces = fitLength(example, most, "split", bos);
        assert.ok(pieces.every(({ ids }) => ids[0] === bos && ids.length <= most));
        assert.ok(pieces.every((piece) => piece.labels[0] === -100 && countSupervised(piece) > 0));
        const learnt = pieces.flatMap(({ labels }) => [...labels]).filter((label) => label >= 0);
        assert.deepEqual(learnt, [...example.labels].filter((label) => label >= 0));
        for (const { ids, labels } of pieces) {
          assert.ok(labels.every((label, i) => label === -100 || label === ids[i]));
        }
      },
    ),
  );
  const whole = exampleOf(10);
  assert.deepEqual(fitLength(whole, 10, "split", bos), [whole]);
  const tokens = { ids: Uint32Array.of(5, 6, 7), labels: Int32Array.of(-100, 6, 7), origin: "t" };
  const pieces = fitLength(tokens, 2, "split", bos);
  assert.deepEqual(pieces.map(({ ids }) => [...ids]), [[5, 6], [6, 7]]);
  assert.deepEqual(pieces.map(({ labels }) => [...labels]), [[-100, 6], [-100, 7]]);
  assert.equal(fitLength(exampleOf(10), 9, "drop", bos).length, 0);
});

Deno.test("encode: of any row under any prompt, exactly the answer and its end are learnt", () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(templates)), text, text, text, (name, ...texts) => {
      const [instruction, input, answer] = texts as [string, string, string];
      const prompt = renderPrompt(templates[name]!, { instruction, input }).text;
      const spans = [
        { text: prompt, supervised: false, eos: false },
        { text: answer, supervised: true, eos: true },
      ];
      const example = encode({ kind: "spans", spans, origin: "t" }, toyEncoder);
      assert.equal(decodeSupervised(example), `${answer}</s>`);
      assert.equal(decode(example.ids), `<s>${prompt}${answer}</s>`);
      assert.equal(example.ids.filter((id) => id === toyEncoder.bos).length, 1);
    }),
  );
});

Deno.test("template: the Alpaca prompts, byte for byte", () => {
  const alpaca = resolveTemplate("alpaca");
  assert.equal(
    renderPrompt(alpaca, { instruction: "Say hi.", input: "" }).text,
    "Below is an instruction that describes a task. Write a response that appropriately " +
      "completes the request.\n\n### Instruction:\nSay hi.\n\n### Response:",
  );
  assert.equal(
    renderPrompt(alpaca, { instruction: "Add.", input: "1 2" }).text,
    "Below is an instruction that describes a task, paired with an input that provides further " +
      "context. Write a response that appropriately completes the request.\n\n" +
      "### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:",
  );
});

Deno.test("template: braces and dollars in a field stay as they are", () => {
  const plain = resolveTemplate("plain");
  assert.equal(
    renderPrompt(plain, { instruction: "{input} $& {instruction}", input: "{x}" }).text,
    "{input} $& {instruction}\n{x}\n",
  );
});

Deno.test("template: unknown names and fields are refused", () => {
  assert.throws(() => resolveTemplate("alpacca"), /"alpacca", wanted one of alpaca, plain/);
  assert.throws(() => resolveTemplate("toString"), ConfigError);
  const prompt = "{instruction}";
  assert.throws(() => resolveTemplate({ prompt, promptInput: prompt }), /no \{input\}/);
  assert.throws(
    () => resolveTemplate({ prompt: "{question}", promptInput: "" }),
    /the field \{question\}/,
  );
  const custom = { prompt: "Q {instruction} A", promptInput: "Q {instruction} {input} A" };
  assert.equal(resolveTemplate(custom), custom);
});
