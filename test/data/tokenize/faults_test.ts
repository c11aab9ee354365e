import assert from "node:assert/strict";
import {
  ChatTemplate,
  checkFaults,
  type Document,
  encode,
  type Example,
  type FaultName,
  faultNames,
  faultsOf,
  loadExamples,
  marksOf,
  type RowTokenizer,
  runsOf,
} from "../../../src/data/mod.ts";
import { toyChatEncoder, toyEncoder, withFiles } from "../toy.ts";

const BOS = 256;
const EOS = 257;
const MARKS = { bos: BOS, ends: new Set([EOS, 9]) };

/** An answer of which the tokens from `learned` on are supervised. */
function answer(ids: number[], learned: number): Example {
  const labels = Int32Array.from(ids, (id, i) => i < learned ? -100 : id);
  return { ids: Uint32Array.from(ids), labels, origin: "test", isAnswer: true };
}
/** The same as tokens that somebody else has made. */
const asText = ({ ids, labels, origin }: Example): Example => ({ ids, labels, origin });

Deno.test("faultsOf() finds what ruins training, each fault alone", () => {
  const found = (example: Example, marks = MARKS) => faultsOf(example, marks);
  const good = answer([BOS, 5, 6, 7, EOS], 3);
  assert.deepEqual(found(good), []);
  assert.deepEqual(found(answer([BOS, 5, 6, 9], 2)), [], "any end token will do");
  assert.deepEqual(found(answer([BOS, BOS, 6, EOS], 2)), ["double-bos"]);
  assert.deepEqual(found(answer([BOS, BOS, 6, EOS], 2), { ...MARKS, bos: null as never }), []);
  assert.deepEqual(found(answer([BOS, 5, 6], 2)), ["no-end"]);
  assert.deepEqual(found(answer([BOS, 5, EOS, 6], 3)), ["no-end"], "an end that is not learned");
  assert.deepEqual(found(answer([BOS, 5, 6], 2), { bos: BOS, ends: new Set() }), []);
  assert.deepEqual(found(answer([BOS, 5], 2)), ["unsupervised"]);
  assert.deepEqual(found(answer([BOS, 5, EOS], 1)), ["all-supervised"]);
  const turns = Int32Array.of(-100, 5, EOS, -100, 7);
  assert.deepEqual(found({ ...good, labels: turns, ids: Uint32Array.of(BOS, 5, EOS, 6, 7) }), [
    "no-end",
  ]);
  assert.deepEqual(found(asText(answer([BOS, 5, 6], 1))), [], "text is all learned and has no end");
  assert.deepEqual(found(asText(answer([BOS, BOS, 6], 2))), ["double-bos"]);
});

Deno.test("an end token twice is a fault, as an id or typed at the end of what is learnt", () => {
  assert.deepEqual(faultsOf(answer([BOS, 5, 6, EOS, EOS], 2), MARKS), ["double-eos"]);
  assert.deepEqual(faultsOf(answer([BOS, 5, EOS, EOS, 7, EOS], 4), MARKS), [], "in the prompt");
  assert.deepEqual(faultsOf(answer([BOS, 5, 6, 9, EOS], 2), MARKS), [], "two that differ");
  const spans = (text: string, { supervised = true, eos = true } = {}) => ({
    kind: "spans" as const,
    spans: [{ text: "a", supervised: false, eos: false }, { text, supervised, eos }],
    origin: "test",
  });
  const chat = (asked: string, answered: string) => ({
    kind: "chat" as const,
    messages: [
      { role: "user" as const, content: asked, supervised: false },
      { role: "assistant" as const, content: answered, supervised: true },
    ],
    template: new ChatTemplate("t", "{% for m in messages %}{{ m.content }}</s>{% endfor %}"),
    origin: "test",
  });
  const tokenizer = { ...toyChatEncoder, eosToken: "[END]" };
  const found = (document: Document) => faultsOf(encode(document, tokenizer), MARKS);
  for (const end of ["</s>", "</s>\n", "[END]", "<|endoftext|>", "<|im_end|> "]) {
    assert.deepEqual(found(spans(`b${end}`)), ["double-eos"], end);
    assert.deepEqual(found(chat("a", `b${end}`)), ["double-eos"], end);
    assert.deepEqual(found(chat(`a${end}`, "b")), [], end);
    assert.deepEqual(found(spans(`b${end}`, { eos: false })).includes("double-eos"), false, end);
    assert.deepEqual(found(spans(`b${end} c`)), [], `${end} within`);
    const preference = {
      kind: "preference" as const,
      answers: [spans("b"), spans(`c${end}`)],
      origin: "test",
    };
    assert.deepEqual(found(preference), ["double-eos"], end);
  }
});

Deno.test("checkFaults() stops at what is not allowed by its name", () => {
  const bad = answer([BOS, BOS, 6], 2);
  const check = (...allowed: FaultName[]) => () => checkFaults(bad, MARKS, allowed);
  assert.throws(check(), /^FileError: test: found BOS twice .* or "double-bos" in train\.allow$/);
  assert.throws(check("double-bos"), /without an end token/);
  check("no-end", "double-bos")();
});

Deno.test("marksOf() knows the tokens that may end a turn, where the tokenizer has them", () => {
  const tokenizer: RowTokenizer = {
    bos: BOS,
    eos: EOS,
    encode: (text) => text === "<|im_end|>" ? [9] : text === "</s>" ? [EOS] : [1, 2],
  };
  assert.deepEqual(marksOf(tokenizer), MARKS);
  assert.deepEqual([...marksOf({ ...toyEncoder, eos: null }).ends], []);
});

Deno.test("a template with {% generation %} around too little is found out", () => {
  const around = (text: string) => `{% generation %}${text}{% endgeneration %}`;
  const chat = (template: string) => ({
    kind: "chat" as const,
    messages: [
      { role: "user" as const, content: "a", supervised: false },
      { role: "assistant" as const, content: "b", supervised: true },
    ],
    template: new ChatTemplate("t", `{% for m in messages %}${template}{% endfor %}`),
    origin: "test",
  });
  const tokenizer = toyChatEncoder;
  const found = (template: string) =>
    faultsOf(encode(chat(template), tokenizer), marksOf(tokenizer));
  const turn = (answer: string) =>
    `{% if m.role == 'user' %}{{ m.content }}{% else %}${answer}{% endif %}`;
  assert.deepEqual(found(turn(around("{{ m.content }}</s>"))), []);
  assert.deepEqual(found(turn(around("{{ m.content }}</s>") + "\n")), []);
  assert.deepEqual(found(turn(around("{{ m.content }}") + "</s>")), ["no-end"]);
  assert.deepEqual(found(around("{{ m.content }}</s>")), ["all-supervised"]);
  assert.deepEqual(found("<s>" + turn(around("{{ m.content }}</s>"))), [], "BOS a turn");
  assert.deepEqual(found(`<s><s>${turn(around("{{ m.content }}</s>"))}`), ["double-bos"]);
  // Without {% generation %} an answer that ends in nothing is no answer, unless that is allowed.
  const open = chat(turn("{{ m.content }}"));
  assert.throws(() => encode(open, tokenizer), /"no-end" in train\.allow/);
  assert.deepEqual(faultsOf(encode(open, tokenizer, ["no-end"]), marksOf(tokenizer)), ["no-end"]);
});

Deno.test("loadExamples() stops at a fault, and leaves out or takes what is allowed", () =>
  withFiles({
    "rows.jsonl": [
      { input_ids: [BOS, 5, 6], labels: [-100, 5, 6] },
      { input_ids: [BOS, BOS, 6], labels: [-100, -100, 6] },
      { input_ids: [BOS, 5, 6], labels: [-100, -100, -100] },
    ].map((row) => JSON.stringify(row)).join("\n"),
  }, async (folder) => {
    const path = `${folder}/rows.jsonl`;
    const load = (...allow: FaultName[]) =>
      loadExamples({ path }, toyEncoder, { maxTokens: 9, allow });
    await assert.rejects(load(), { message: /rows\.jsonl:2: found BOS twice/ });
    await assert.rejects(load("double-bos"), { message: /rows\.jsonl:3: found no supervised/ });
    const { examples, noted, skipped } = await load(...faultNames);
    assert.deepEqual([examples.length, noted.unsupervised, skipped], [2, 1, 0]);
  }));

Deno.test("loadExamples() looks for faults in whole rows: a piece of an answer needs no end", () =>
  withFiles({
    "rows.jsonl": JSON.stringify({ prompt: "ab", completion: "c".repeat(20) }),
  }, async (folder) => {
    const limits = { maxTokens: 8, onTooLong: "split" } as const;
    const { examples, cut } = await loadExamples(
      { path: `${folder}/rows.jsonl` },
      toyEncoder,
      limits,
    );
    assert.deepEqual([examples.length, cut], [4, 1]);
    const marks = marksOf(toyEncoder);
    assert.deepEqual(examples.map((piece) => faultsOf(piece, marks)), [[], [], [], []]);
  }));

Deno.test("runsOf() cuts an example where its mask changes", () => {
  const turns = { labels: Int32Array.of(-100, 5, 6, -100, EOS) };
  assert.deepEqual(runsOf(turns), [
    { supervised: false, from: 0, to: 1 },
    { supervised: true, from: 1, to: 3 },
    { supervised: false, from: 3, to: 4 },
    { supervised: true, from: 4, to: 5 },
  ]);
});
