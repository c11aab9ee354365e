import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ConfigError, FileError } from "../../../src/errors.ts";
import {
  type DataEntry,
  encode,
  loadExamples,
  type Noted,
  readDocuments,
} from "../../../src/data/mod.ts";
import { decode, decodeSupervised, toyEncoder, withFiles } from "../../data/toy.ts";

const gsm8k = new URL("../../../../shared/data/eval/gsm8k_train.jsonl", import.meta.url);
const hasShared = await Deno.stat(gsm8k).then(() => true, () => false);

/** Rows `Q7?` with the answer `A7.`, from so many on. */
function rowsOf(count: number, from = 0): string {
  return Array.from({ length: count }, (_, i) => {
    return JSON.stringify({ question: `Q${from + i}?`, answer: `A${from + i}.` });
  }).join("\n");
}

/** What is seen and what is learnt of each document, and what was counted. */
async function read(files: Record<string, string>, entry: Partial<DataEntry>) {
  const counts: Partial<Record<Noted, number>> = {};
  const note = (what: Noted) => counts[what] = (counts[what] ?? 0) + 1;
  const found: { prompt: string; answer: string }[] = [];
  await withFiles(files, async (folder) => {
    const source = { path: folder, template: "plain", ...entry };
    for await (const document of readDocuments(source, note)) {
      const example = encode(document, toyEncoder);
      const [whole, answer] = [decode(example.ids), decodeSupervised(example)];
      assert.ok(whole.startsWith("<s>") && whole.endsWith(answer) && answer.endsWith("</s>"));
      found.push({ prompt: whole.slice(3, -answer.length), answer: answer.slice(0, -4) });
    }
  });
  return { found, counts };
}

Deno.test("few-shot: other rows of the same file stand before the question, as it stands", async () => {
  const files = { "a.jsonl": rowsOf(150), "b.jsonl": rowsOf(150, 1000) };
  const entry = { few_shot: { share: 0.6, shots: 3, least: 1 } };
  const { found, counts } = await read(files, entry);
  const byShots = [0, 0, 0, 0];
  found.forEach(({ prompt, answer }, i) => {
    const number = i < 150 ? i : 850 + i;
    assert.equal(answer, `A${number}.`);
    const parts = prompt.split("\n\n\n");
    assert.equal(parts.pop(), `Q${number}?\n`);
    const shown = parts.map((part) => Number(/^Q(\d+)\?\nA\1\.$/.exec(part)![1]));
    assert.ok(!shown.includes(number) && new Set(shown).size === shown.length);
    assert.ok(shown.every((other) => (other >= 1000) === (number >= 1000)), "of the same file");
    byShots[shown.length]!++;
  });
  assert.equal(counts.few_shot, 300 - byShots[0]!);
  assert.ok(Math.abs(counts.few_shot! / 300 - 0.6) < 0.08, `${counts.few_shot} of 300`);
  assert.ok(byShots.slice(1).every((count) => count > 40), `${byShots}`);
  assert.deepEqual((await read(files, entry)).found, found);
  assert.notDeepEqual((await read(files, { ...entry, seed: 1 })).found, found);
});

Deno.test("the template is drawn apart from the form", async () => {
  const entry = { inversion: { share: 0.5 }, template: ["plain", "alpaca"] };
  const { found } = await read({ "a.jsonl": rowsOf(400) }, entry);
  const kinds = found.map(({ prompt }) => {
    return `${/A\d+\./.test(prompt)} ${prompt.includes("### Response:")}`;
  });
  for (const kind of ["true true", "true false", "false true", "false false"]) {
    const count = kinds.filter((other) => other === kind).length;
    assert.ok(Math.abs(count - 100) < 30, `${kind}: ${count} of 400`);
  }
});

Deno.test("few-shot: all rows may have exemplars; what a small source lacks is not made up", async () => {
  const twice = `${rowsOf(2)}\n${rowsOf(1)}`; // the third row asks what the first asks
  const { found } = await read({ "a.jsonl": twice }, { few_shot: { share: 1, shots: 5 } });
  assert.deepEqual(found.map(({ prompt }) => prompt), [
    "Q1?\nA1.\n\n\nQ0?\n",
    "Q0?\nA0.\n\n\nQ1?\n",
    "Q1?\nA1.\n\n\nQ0?\n",
  ]);
  const long = await read({ "a.jsonl": rowsOf(5000) }, { few_shot: { share: 1, shots: 2 } });
  assert.equal(long.counts.few_shot, 5000);
  const far = long.found.map(({ prompt }, i) =>
    Math.max(...Array.from(prompt.matchAll(/Q(\d+)/g), ([, n]) => Math.abs(Number(n) - i)))
  );
  assert.ok(Math.max(...far) < 2048, "a file is not held whole");
});

Deno.test("few-shot: exemplars that do not fit are left out, the row stays", async () => {
  await withFiles({ "a.jsonl": rowsOf(10) }, async (folder) => {
    const entry = { path: folder, template: "plain", few_shot: { share: 1, shots: 3 } };
    // BOS, Q0?\nA0. and EOS take 9 tokens, an exemplar 10 more.
    for (const [maxTokens, shots] of [[39, 3], [38, 2], [19, 1], [18, 0], [9, 0]] as const) {
      const { examples, skipped } = await loadExamples(entry, toyEncoder, { maxTokens });
      assert.deepEqual([examples.length, skipped], [10, 0]);
      assert.ok(examples.every(({ ids }) => ids.length === 9 + 10 * shots), `${maxTokens}`);
    }
  });
});

Deno.test("few-shot: in a chat, exemplars are turns that are not learnt", async () => {
  await withFiles({ "a.jsonl": rowsOf(2) }, async (folder) => {
    const entry = { path: folder, template: "chatml", few_shot: { share: 1, shots: 1 } };
    const [document] = await Array.fromAsync(readDocuments(entry));
    assert.ok(document?.kind === "chat");
    assert.deepEqual(
      document.messages.map(({ content, supervised }) => [content, supervised]),
      [["Q1?", false], ["A1.", false], ["Q0?", false], ["A0.", true]],
    );
  });
});

Deno.test("few-shot: exemplars come from the part that is used, in the words of the row", async () => {
  const split = { part: "held", shares: { train: 0.8, held: 0.2 }, seed: 3 };
  const prompts = ["one", "two"].map((word) => ({
    input: `${word}: {question}`,
    target: "{answer}",
  }));
  const entry = { split, prompts, few_shot: { share: 1, shots: 2 } };
  const { found } = await read({ "a.jsonl": rowsOf(50) }, entry);
  assert.equal(found.length, 10);
  const own = new Set(found.map(({ answer }) => answer.slice(1)));
  for (const { prompt } of found) {
    const words = Array.from(prompt.matchAll(/(one|two): Q(\d+\.?)/g));
    assert.deepEqual(words.length, 3);
    assert.equal(new Set(words.map(([, word]) => word)).size, 1);
    assert.ok(words.every(([, , number]) => own.has(`${number}.`)));
  }
});

const reasoned = (i: number) => ({ question: `Q${i}?`, answer: `First.\nThen ${i}.\n#### ${i}` });

Deno.test("chain of thought: a share gives the way to the answer, the others the answer alone", async () => {
  const rows = Array.from({ length: 300 }, (_, i) => JSON.stringify(reasoned(i))).join("\n");
  const { found, counts } = await read({ "a.jsonl": rows }, { chain_of_thought: { share: 0.4 } });
  const short = found.filter(({ prompt, answer }, i) => {
    if (prompt === `Q${i}?\n` && answer === `${i}`) return true;
    assert.ok(prompt.includes(`Q${i}?`) && answer.includes(`First.\nThen ${i}.`));
    assert.match(answer.replace(`First.\nThen ${i}.`, ""), new RegExp(`\\b${i}\\b`));
    assert.ok(!answer.includes("####"));
    return false;
  });
  assert.equal(counts.chain_of_thought, 300 - short.length);
  assert.ok(Math.abs(counts.chain_of_thought! / 300 - 0.4) < 0.08);
  const patterns = [{ input: "{question} Why?", target: "{chain_of_thought} So {answer}." }];
  const own = { chain_of_thought: { share: 1, field: "why", patterns } };
  const row = JSON.stringify({ instruction: "1 + 1?", output: "2", why: "It doubles." });
  assert.deepEqual((await read({ "a.jsonl": row }, own)).found, [
    { prompt: "1 + 1? Why?\n", answer: "It doubles. So 2." },
  ]);
});

Deno.test("inversion: a share is asked the other way round, exemplars with it", async () => {
  const patterns = [{ input: "What gives {answer}", target: "It is {question}" }];
  const entry = { inversion: { share: 0.5, patterns }, few_shot: { share: 1, shots: 1 } };
  const { found, counts } = await read({ "a.jsonl": rowsOf(200) }, entry);
  found.forEach(({ prompt, answer }, i) => {
    const inverted = new RegExp(
      `^What gives A(\\d+)\\.\\nIt is Q\\1\\?\\n\\n\\nWhat gives A${i}\\.\\n$`,
    );
    const plain = new RegExp(`^Q(\\d+)\\?\\nA\\1\\.\\n\\n\\nQ${i}\\?\\n$`);
    assert.match(prompt, answer === `A${i}.` ? plain : inverted);
    assert.ok([`A${i}.`, `It is Q${i}?`].includes(answer));
  });
  assert.ok(Math.abs(counts.inversion! / 200 - 0.5) < 0.1, `${counts.inversion} of 200`);
  const built = await read({ "a.jsonl": rowsOf(60) }, { inversion: { share: 1 } });
  assert.equal(new Set(built.found.map(({ prompt }) => prompt.replace(/A\d+/, "A"))).size, 4);
});

Deno.test("inversion: of a chat, the turns before its last answer are what is learnt", async () => {
  const turn = (role: string, content: string, more = {}) => ({ role, content, ...more });
  const before = [turn("system", "S"), turn("user", "Hi"), turn("assistant", "Yes?")];
  const chats = [
    [...before, turn("user", "1 + 1?"), turn("assistant", "2")],
    [turn("user", "Hi"), turn("assistant", "Yes?", { weight: 0 })],
    [turn("user", "Hi"), turn("assistant", "", { tool_calls: [{ name: "f" }] })],
  ];
  const rows = chats.map((messages) => JSON.stringify({ messages })).join("\n");
  await withFiles({ "a.jsonl": rows }, async (folder) => {
    const patterns = [{ input: "Before {answer}?", target: "It was:\n{question}" }];
    const entry = { path: folder, template: "chatml", inversion: { share: 1, patterns } };
    const counts: Noted[] = [];
    const documents = await Array.fromAsync(readDocuments(entry, (what) => counts.push(what)));
    const said = documents.map((document) =>
      document.kind === "chat" && document.messages.map(({ content }) => content)
    );
    const inverted = ["Before 2?", "It was:\nHi\nYes?\n1 + 1?"];
    assert.deepEqual(said, [inverted, ["Hi", "Yes?"], ["Hi", ""]]);
    assert.deepEqual(counts, ["inversion"]);
  });
});

const wrong: [row: unknown, entry: Partial<DataEntry>, message: RegExp][] = [
  [{ question: "a", answer: "b" }, { chain_of_thought: { share: 0 } }, /:1: found an answer witho/],
  [
    reasoned(1),
    { chain_of_thought: { share: 0.6 }, inversion: { share: 0.5 } },
    /shares of 0\.6 a/,
  ],
  [reasoned(1), { chain_of_thought: { share: 1, field: "why" } }, /:1: .* wanted the field why/],
  [{ text: "a" }, { few_shot: { share: 0, shots: 1 } }, /:1: found rows of kind text, wanted inst/],
  [reasoned(1), { few_shot: { share: 1, shots: 1, least: 2 } }, /least 2, wanted .* \(1\) at most/],
  [
    reasoned(1),
    { inversion: { share: 1, patterns: [{ input: "{chain_of_thought}", target: "{question}" }] } },
    /only patterns of \{chain_of_thought\}/,
  ],
  [
    reasoned(1),
    { inversion: { share: 1, patterns: [{ input: "{answr}", target: "{question}" }] } },
    /found the fields question, answer, chain_of_thought, wanted the field answr/,
  ],
];

Deno.test("variants: what does not fit gives a sentence", async () => {
  for (const [row, entry, message] of wrong) {
    await assert.rejects(read({ "a.jsonl": JSON.stringify(row) }, entry), (error: Error) => {
      assert.match(error.message, message);
      return error instanceof FileError || error instanceof ConfigError;
    });
  }
});

Deno.test({
  name: "shared: GSM8K with and without the way to its answers, and turned round",
  ignore: !hasShared,
  fn: async () => {
    const entry = {
      path: fileURLToPath(gsm8k),
      template: "plain",
      chain_of_thought: { share: 0.5 },
      inversion: { share: 0.2 },
      few_shot: { share: 0.5, shots: 5, least: 1 },
    };
    const counts = { empty: 0, of_weight_0: 0, few_shot: 0, chain_of_thought: 0, inversion: 0 };
    const documents = await Array.fromAsync(readDocuments(entry, (what) => counts[what]++));
    assert.equal(documents.length, 300);
    const variants = { few_shot: 147, chain_of_thought: 161, inversion: 52 };
    assert.deepEqual(counts, { empty: 0, of_weight_0: 0, ...variants });
  },
});
