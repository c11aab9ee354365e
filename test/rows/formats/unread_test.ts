import assert from "node:assert/strict";
import { ChatTemplate, type DataEntry, encode, loadExamples } from "../../../src/data/mod.ts";
import { decode, decodeSupervised, toyChatEncoder, withFiles } from "../../data/toy.ts";

const LIMITS = { maxTokens: 999 };

/** What is learnt of each row, and what was counted. */
async function loaded(rows: readonly unknown[], { template = "", ...entry }: Partial<DataEntry>) {
  let found: { texts: string[]; answers: string[]; counts: Record<string, unknown> } | null = null;
  const text = rows.map((row) => JSON.stringify(row)).join("\n");
  const files = { "rows.jsonl": text, "chat.jinja": template as string };
  await withFiles(files, async (folder) => {
    const source = {
      path: `${folder}/rows.jsonl`,
      ...(template !== "" && { template: { file: `${folder}/chat.jinja` } }),
      ...entry,
    };
    const { examples, unread, formats, noted } = await loadExamples(source, toyChatEncoder, LIMITS);
    found = {
      texts: examples.map(({ ids }) => decode(ids)),
      answers: examples.map(decodeSupervised),
      counts: { unread, formats, left: noted.of_weight_0 },
    };
  });
  return found!;
}

const PLAIN = "{% for m in messages %}{{ m.role }}: {{ m.content }}</s>{% endfor %}" +
  "{% if add_generation_prompt %}assistant: {% endif %}";
const THINKING = "{% for m in messages %}{{ m.role }}: " +
  "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}" +
  "{% if m['name'] %}({{ m['name'] }}) {% endif %}{{ m.content }}</s>{% endfor %}" +
  "{% if add_generation_prompt %}assistant: {% endif %}";
const chat = (answer: object, row: object = {}, user: object = {}) => ({
  ...row,
  messages: [
    { role: "user", content: "Q", ...user },
    { role: "assistant", content: "A", ...answer },
  ],
});

Deno.test("fields that a format does not read are counted by name, empty ones are not", async () => {
  const rows: [object, string, Record<string, number>][] = [
    [{ instruction: "a", output: "b", system: "s", history: [["c", "d"]] }, "alpaca", {
      system: 1,
      history: 1,
    }],
    [{ instruction: "a", output: "b", system: "", history: [], id: null }, "alpaca", {}],
    [{ prompt: "a", completion: "b", source: "x" }, "prompt-completion", { source: 1 }],
    [{ question: "a", answer: "b", weight: 0.5 }, "question-answer", { weight: 1 }],
    [{ question: "a", answer: "b", weight: 1 }, "question-answer", {}],
    [{ text: "a", title: "b" }, "text", { title: 1 }],
    [{ input_ids: [1, 2], labels: [1, 2], attention_mask: [1, 1] }, "tokens", {
      attention_mask: 1,
    }],
  ];
  for (const [row, format, unread] of rows) {
    const { counts } = await loaded([row], {});
    assert.deepEqual(counts, { unread, formats: { [format]: 1 }, left: 0 });
  }
  const twice = [{ text: "a", title: "b" }, { text: "c" }, { text: "d", title: "e" }];
  assert.deepEqual((await loaded(twice, {})).counts["unread"], { title: 2 });
});

Deno.test("a system beside the turns is the first of them, and must not be another", async () => {
  const turns = [{ from: "human", value: "Q" }, { from: "gpt", value: "A" }];
  for (const row of [chat({}, { system: "S" }), { system: "S", conversations: turns }]) {
    const { texts, answers, counts } = await loaded([row], { template: PLAIN });
    assert.deepEqual(texts, ["<s>system: S</s>user: Q</s>assistant: A</s>"]);
    assert.deepEqual([answers, counts["unread"]], [[" A</s>"], {}]);
  }
  const both = (system: string) => ({
    system: "S",
    messages: [{ role: "system", content: system }, ...chat({}).messages],
  });
  const { texts } = await loaded([both("S")], { template: PLAIN });
  assert.deepEqual(texts, ["<s>system: S</s>user: Q</s>assistant: A</s>"]);
  await assert.rejects(loaded([both("other")], { template: PLAIN }), {
    message: /rows\.jsonl:1: found a system beside a system's turn/,
  });
});

Deno.test("a template gets all fields of a turn; those that it does not read are counted", async () => {
  const rows = [
    chat({ reasoning_content: "T" }, {}, { name: "Ada" }),
    chat({ thinking: "T", reasoning_content: "" }),
    chat({}),
  ];
  const given = await loaded(rows, { template: THINKING });
  assert.deepEqual(given.texts, [
    "<s>user: (Ada) Q</s>assistant: <think>T</think>A</s>",
    "<s>user: Q</s>assistant: A</s>",
    "<s>user: Q</s>assistant: A</s>",
  ]);
  assert.deepEqual(given.answers, ["<think>T</think>A</s>", " A</s>", " A</s>"]);
  assert.deepEqual(given.counts["unread"], { "turns' thinking": 1 });
  const dropped = await loaded(rows, { template: PLAIN });
  assert.deepEqual(dropped.counts["unread"], {
    "turns' reasoning_content": 1,
    "turns' name": 1,
    "turns' thinking": 1,
  });
  const typed = await loaded([chat({ reasoning_content: "T</s>" })], { template: THINKING });
  assert.equal(typed.answers[0], "<think>T</s></think>A</s>", "typed");
});

Deno.test("a special token that was typed in a field of a turn stays text", () => {
  const template = new ChatTemplate("t", THINKING);
  const message = { role: "assistant" as const, content: "A", supervised: true };
  const messages = [{ ...message, others: { reasoning_content: "T</s>" } }];
  const { ids } = encode({ kind: "chat", messages, template, origin: "t" }, toyChatEncoder);
  assert.equal(ids.filter((id) => id === toyChatEncoder.eos).length, 1);
});

Deno.test("what a row or a turn says of its weight in the loss is heeded", async () => {
  const none = [["weight", 0], ["train", false], ["trainable", 0], ["loss_weight", 0.0]] as const;
  const second = { role: "assistant", content: "B" };
  for (const [field, value] of [...none, ["loss_mask", 0]] as const) {
    const messages = [
      ...chat({ [field]: value }).messages,
      ...chat({}).messages.slice(0, 1),
      second,
    ];
    const { answers, counts } = await loaded([{ messages }], { template: PLAIN });
    assert.deepEqual([answers, counts["unread"]], [[" B</s>"], {}], field);
    const conversations = [
      { from: "human", value: "Q" },
      { from: "gpt", value: "A", [field]: value },
      { from: "human", value: "Q" },
      { from: "gpt", value: "B" },
    ];
    const turns = await loaded([{ conversations }], { template: PLAIN });
    assert.deepEqual([turns.answers, turns.counts["unread"]], [[" B</s>"], {}], field);
    for (const row of [{ text: "a" }, { instruction: "a", output: "b" }, chat({})]) {
      const kept = await loaded([row, { ...row, [field]: value }], {
        ...("messages" in row && { template: PLAIN }),
      });
      assert.deepEqual([kept.answers.length, kept.counts["left"]], [1, 1], field);
    }
  }
  await assert.rejects(loaded([chat({ loss_weight: 0.5 })], { template: PLAIN }), {
    message: /found the loss_weight 0\.5, wanted 0 or 1/,
  });
});

Deno.test("prompt and completion may be lists of messages: of the prompt nothing is learnt", async () => {
  const [user, answer] = chat({}).messages as [object, object];
  const rows = [
    { prompt: [user], completion: [answer] },
    { prompt: "Q", completion: [answer] },
    { prompt: [user], completion: "A" },
  ];
  for (const row of rows) {
    const { texts, answers, counts } = await loaded([row], { template: PLAIN });
    assert.deepEqual(texts, ["<s>user: Q</s>assistant: A</s>"]);
    assert.deepEqual([answers, counts["formats"]], [[" A</s>"], { "prompt-completion": 1 }]);
  }
  const turns = [user, answer, user];
  const { answers } = await loaded([{ prompt: turns, completion: [answer] }], { template: PLAIN });
  assert.deepEqual(answers, [" A</s>"]);
  for (const completion of [[], [user, answer]]) {
    await assert.rejects(loaded([{ prompt: [user], completion }], { template: PLAIN }), {
      message: /where the completion should begin, wanted an assistant's turn/,
    });
  }
});

Deno.test("parts of text may have a value, and a row of examples holds many pairs", async () => {
  for (const field of ["text", "value"]) {
    const row = chat({ content: [{ type: "text", [field]: "A" }] });
    assert.deepEqual((await loaded([row], { template: PLAIN })).answers, [" A</s>"]);
  }
  const pairs = [{ input: "a", target: "b" }, { input: "c", target: "d" }];
  const { answers, counts } = await loaded([{ canary: "x", examples: pairs }], {});
  assert.deepEqual(answers, ["b</s>", "d</s>"]);
  assert.deepEqual(counts["formats"], { examples: 2 });
});
