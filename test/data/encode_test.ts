import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError, FileError } from "../../src/errors.ts";
import {
  type Document,
  encode,
  limitLength,
  renderPrompt,
  resolveTemplate,
} from "../../src/data/mod.ts";
import { decode, decodeSupervised, exampleOf, toyEncoder } from "./toy.ts";

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

Deno.test("template: the Alpaca prompts, byte for byte", () => {
  const alpaca = resolveTemplate("alpaca");
  assert.equal(
    renderPrompt(alpaca, { instruction: "Say hi.", input: "" }),
    "Below is an instruction that describes a task. Write a response that appropriately " +
      "completes the request.\n\n### Instruction:\nSay hi.\n\n### Response:",
  );
  assert.equal(
    renderPrompt(alpaca, { instruction: "Add.", input: "1 2" }),
    "Below is an instruction that describes a task, paired with an input that provides further " +
      "context. Write a response that appropriately completes the request.\n\n" +
      "### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:",
  );
});

Deno.test("template: braces and dollars in a field stay as they are", () => {
  const plain = resolveTemplate("plain");
  assert.equal(
    renderPrompt(plain, { instruction: "{input} $& {instruction}", input: "{x}" }),
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
