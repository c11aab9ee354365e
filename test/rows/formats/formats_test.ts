import assert from "node:assert/strict";
import { ConfigError, FileError } from "../../../src/errors.ts";
import { type DataEntry, type Document, encode, readDocuments } from "../../../src/data/mod.ts";
import { decode, decodeSupervised, toyEncoder, withFiles } from "../../data/toy.ts";

/** The documents of one row, in a file of its own. */
async function documentsOf(row: unknown, entry: Partial<DataEntry> = {}): Promise<Document[]> {
  let documents: Document[] = [];
  await withFiles({ "a.jsonl": JSON.stringify(row) }, async (folder) => {
    documents = await Array.fromAsync(readDocuments({ path: `${folder}/a.jsonl`, ...entry }));
  });
  return documents;
}

/** The prompt and the answer of each document. */
async function promptsOf(row: unknown, entry?: Partial<DataEntry>): Promise<[string, string][]> {
  return (await documentsOf(row, entry)).map((document) => {
    const example = encode(document, toyEncoder);
    const [whole, answer] = [decode(example.ids), decodeSupervised(example)];
    assert.ok(whole.startsWith("<s>") && whole.endsWith(answer) && answer.endsWith("</s>"));
    return [whole.slice(3, -answer.length), answer.slice(0, -4)];
  });
}

/** The turns of a chat, those that are learnt in capitals: `user: Hi / ASSISTANT: Hello`. */
async function turnsOf(row: unknown, entry?: Partial<DataEntry>): Promise<string> {
  const [document] = await documentsOf(row, entry);
  assert.ok(document?.kind === "chat");
  return document.messages.map(({ role, content, supervised }) =>
    `${supervised ? role.toUpperCase() : role}: ${content}`
  ).join(" / ");
}

Deno.test("formats: instruction rows of every name are told by their fields", async () => {
  const rows: [unknown, string, string][] = [
    [{ instruction: "Add.", input: "1 2", output: "3", text: "x" }, "Add.\n1 2\n", "3"],
    [{ instruction: "Add.", output: "3", response: "4" }, "Add.\n", "3"],
    [{ instruction: "Add.", response: "3" }, "Add.\n", "3"],
    [{ instruction: "Add.", context: "1 2", response: "3", category: "q" }, "Add.\n1 2\n", "3"],
    [{ instruction: "Add.", context: "", response: "3", category: "q" }, "Add.\n", "3"],
    [{ question: "1 + 2?", answer: "3\n#### 3" }, "1 + 2?\n", "3\n#### 3"],
  ];
  for (const [row, prompt, answer] of rows) {
    assert.deepEqual(await promptsOf(row, { template: "plain" }), [[prompt, answer]]);
  }
});

Deno.test("formats: a complete prompt has no template around it, unless one is named", async () => {
  const row = { prompt: "1 + 2 =", completion: " 3" };
  assert.deepEqual(await promptsOf(row), [["1 + 2 =", " 3"]]);
  assert.deepEqual(await promptsOf(row, { template: "plain" }), [["1 + 2 =\n", " 3"]]);
  assert.equal(await turnsOf(row, { template: "chatml" }), "user: 1 + 2 = / ASSISTANT:  3");
});

Deno.test("formats: a seed task is one document an instance", async () => {
  const instances = [{ input: "1 2", output: "3" }, { input: "", output: "none" }];
  const row = { id: "seed_task_0", instruction: "Add.", instances, is_classification: false };
  assert.deepEqual(await promptsOf(row, { template: "plain" }), [
    ["Add.\n1 2\n", "3"],
    ["Add.\n", "none"],
  ]);
  const [, second] = await documentsOf(row);
  assert.match(second!.origin, /a\.jsonl:1 \(instances\[1\]\)$/);
});

const task = {
  Definition: ["Say the sum "],
  "Positive Examples": [
    { input: "1 2", output: "3", explanation: "1 + 2" },
    { input: "2 2?", output: ["4!"], explanation: "" },
    { input: "not", output: "shown", explanation: "" },
  ],
  "Negative Examples": [],
  Instances: [{ id: "a", input: "3 4", output: ["7", "seven"] }, { input: "5;", output: "five" }],
};

Deno.test("formats: a Super-NaturalInstructions task, as Tk-Instruct encodes it", async () => {
  const [first, second] = await promptsOf(task);
  assert.deepEqual(first, [
    "Definition: Say the sum.\n\n" +
    " Positive Example 1 -\nInput: 1 2.\n Output: 3.\n\n" +
    " Positive Example 2 -\nInput: 2 2?\n Output: 4!\n\n" +
    "Now complete the following example -\nInput: 3 4.\nOutput: ",
    "7",
  ]);
  assert.ok(second![0].endsWith("example -\nInput: 5;\nOutput: "));
  const [alone] = await promptsOf(task, { positive_examples: 0 });
  assert.equal(
    alone![0],
    "Definition: Say the sum.\n\nNow complete the following example -\nInput: 3 4.\nOutput: ",
  );
});

Deno.test("formats: messages, with parts, weights and a question at the end", async () => {
  const messages = [
    { role: "system", content: "Be kind." },
    { role: "user", content: [{ type: "text", text: "Hel" }, { type: "text", text: "lo" }] },
    { role: "assistant", content: "One", weight: 0 },
    { role: "user", content: "And?", tool_calls: [] },
    { role: "assistant", content: "Two", tool_calls: null },
    { role: "user", content: "Never answered" },
  ];
  const asked = "system: Be kind. / user: Hello / assistant: One / user: And? / ASSISTANT: Two";
  const template = "chatml";
  assert.equal(await turnsOf({ messages }, { template }), asked);
  for (const message of messages) delete message.weight;
  const all = asked.replace("assistant: One", "ASSISTANT: One");
  assert.equal(await turnsOf({ messages }, { template }), all);
  assert.equal(await turnsOf({ messages }, { template, train_on: "last" }), asked);
});

Deno.test("formats: ShareGPT begins with the human, and one speaker's turns are one", async () => {
  const turns = (...list: [string, string][]) => ({
    conversations: list.map(([from, value]) => ({ from, value })),
  });
  assert.equal(
    await turnsOf(
      turns(["gpt", "Welcome"], ["human", "Hi"], ["human", "there"], ["gpt", "A"], ["gpt", "B"]),
    ),
    "user: Hi\n\nthere / ASSISTANT: A\n\nB",
  );
  assert.equal(
    await turnsOf(turns(["system", "Be kind."], ["gpt", "Welcome"], ["user", "Hi"], ["bard", "A"])),
    "system: Be kind. / user: Hi / ASSISTANT: A",
  );
  const messages = [["assistant", "Welcome"], ["user", "Hi"], ["assistant", "A"]];
  const conversations = messages.map(([role, content]) => ({ role, content }));
  assert.equal(await turnsOf({ conversations }), "user: Hi / ASSISTANT: A");
});

Deno.test("formats: an instruction under a chat template is a chat of two turns", async () => {
  const row = { instruction: "Add.", input: "1 2", output: "3" };
  const turns = "user: Add.\n\n1 2 / ASSISTANT: 3";
  assert.equal(await turnsOf(row, { template: "llama-3" }), turns);
  assert.equal(await turnsOf(row, { template: "model" }), turns);
  const source = "{{ messages[0].content }}:{{ messages[1].content }}</s>";
  await withFiles({ "own.jinja": source }, async (folder) => {
    assert.equal(await turnsOf(row, { template: { file: `${folder}/own.jinja` } }), turns);
    const missing = documentsOf(row, { template: { file: `${folder}/other.jinja` } });
    await assert.rejects(missing, FileError);
  });
});

const bad: [unknown, RegExp][] = [
  [
    { instructon: "a", output: "b" },
    /fields instructon, output, wanted instruction.*format alpaca/,
  ],
  [{ question: "a", anwser: "b" }, /wanted question, answer \(format question-answer\), the near/],
  [{ prompt: "a" }, /found the fields prompt, wanted prompt, completion \(format prompt-comp/],
  [{ messages: "hi" }, /found a string in messages, wanted an array of objects/],
  [{ messages: ["hi"] }, /:1 \(messages\[0\]\): found a string, wanted an object/],
  [{ messages: [{ role: "user", content: "a" }] }, /:1: found no assistant's turn/],
  [{ messages: [{ role: "assistant", content: [{ type: "image" }] }] }, /part of type "image"/],
  [
    { messages: [{ role: "assistant", content: "a", weight: 0.5 }] },
    /the weight 0\.5, wanted 0 or/,
  ],
  [{ messages: [{ role: "assistant", content: " " }] }, /found an empty assistant's turn/],
  [{ messages: [{ content: "a" }] }, /found the fields content, wanted the field role, a string/],
  [{ conversations: [{ from: "alien", value: "a" }] }, /the speaker "alien", wanted one of human/],
  [
    { ...task, Instances: [{ input: "a", output: [] }] },
    /Instances\[0\]\): found an array in output/,
  ],
  [
    { ...task, Instances: [{ input: "a", output: [" "] }] },
    /Instances\[0\]\): found an empty output/,
  ],
  [{ instruction: "a", instances: [{ input: "" }] }, /instances\[0\]\): found the fields input,/],
  [{ prompt: "a", completion: "\ud800" }, /found a lone surrogate in completion/],
  [JSON.parse('{"__proto__":{"text":"a"}}'), /found the fields __proto__, wanted/],
];

Deno.test("formats: rows that do not fit give one sentence with the place", async () => {
  for (const [row, message] of bad) {
    await assert.rejects(documentsOf(row), (error: Error) => {
      assert.match(error.message, message);
      return error instanceof FileError && !error.message.includes("\n");
    });
  }
  const named = documentsOf({ text: "a" }, { format: "alpacca" });
  await assert.rejects(named, /wanted one of .*, did you mean "alpaca"/);
  const chat = { messages: [{ role: "assistant", content: "a" }] };
  await assert.rejects(documentsOf(chat, { template: "plain" }), (error: Error) => {
    return error instanceof ConfigError && /a chat under a template for instr/.test(error.message);
  });
});

Deno.test("formats: fields named as those of every object are only fields", async () => {
  const row = JSON.parse('{"__proto__":{"instruction":"x"},"toString":"y","text":"a"}');
  const [document] = await documentsOf(row);
  assert.ok(document?.kind === "spans" && document.spans[0]!.text === "a");
  const message = JSON.parse('{"__proto__":{"content":"x"},"role":"assistant"}');
  await assert.rejects(documentsOf({ messages: [message] }), /wanted the field content, a string/);
  assert.equal(({} as Record<string, unknown>)["instruction"], undefined);
});

Deno.test("formats: empty answers stop the reading, or are left out and counted", async () => {
  const instances = [{ output: "" }, { output: "b" }, { output: "\n" }];
  const row = { instruction: "a", instances };
  await assert.rejects(documentsOf(row), /\(instances\[0\]\): found an empty output/);
  let dropped = 0;
  await withFiles({ "a.jsonl": JSON.stringify(row) }, async (folder) => {
    const entry = { path: `${folder}/a.jsonl`, on_empty: "drop" } as const;
    const documents = await Array.fromAsync(readDocuments(entry, () => dropped++));
    assert.deepEqual([documents.length, dropped], [1, 2]);
  });
});
