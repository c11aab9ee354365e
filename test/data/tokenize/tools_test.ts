import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError, FileError } from "../../../src/errors.ts";
import {
  ChatTemplate,
  type Content,
  encode,
  loadExamples,
  type Message,
  UNSUPERVISED,
} from "../../../src/data/mod.ts";
import type { ToolCall } from "../../../src/rows/content.ts";
import { readConversations, readMessages } from "../../../src/rows/formats/chats.ts";
import { BYTE_LEVEL_SPECIAL, byteLevelTokenizer, chatEncoder } from "./tokenizers.ts";
import { withFiles } from "../toy.ts";
import golden from "./tools_golden.json" with { type: "json" };

type Chat = Content & { kind: "chat" };
type Fields = Record<string, unknown>;

const plain = chatEncoder(byteLevelTokenizer(), null, "</s>");
const templates = Object.fromEntries(
  golden.cases.map(({ name, template }) => [name, new ChatTemplate(name, template)]),
);

function chatOf(fields: Fields): Chat {
  const read = "messages" in fields ? readMessages : readConversations;
  return read({ fields, origin: "chats.jsonl:3" }) as Chat;
}

function encodeChat({ messages, tools, origin }: Chat, template: ChatTemplate, tokenizer = plain) {
  return encode({ kind: "chat", messages, ...(tools && { tools }), template, origin }, tokenizer);
}

function learnt(example: ReturnType<typeof encode>): string {
  return plain.decode(example.labels.filter((label) => label !== UNSUPERVISED));
}

/** What is learnt of the golden chat, turn by turn. */
const LEARNT: Record<string, string[]> = {
  hermes: [
    '<tool_call>\n{"name": "weather", "arguments": {"city": "Kö\\"ln\\"", "days": 2}}\n</tool_call>' +
    "<|im_end|>",
    "It rains.<|im_end|>",
    'Let me look.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>' +
    '\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call><|im_end|>',
    "It is dry.<|im_end|>",
  ],
  header: [
    '{"name": "weather", "parameters": {"city": "Kö\\"ln\\"", "days": 2}}<|eot_id|>',
    "It rains.<|eot_id|>",
    'Let me look.{"name": "weather", "parameters": {"city": "Rome"}}' +
    '{"name": "now", "parameters": {}}<|eot_id|>',
    "It is dry.<|eot_id|>",
  ],
  thoughts: [
    '<tool_call>\n<function=weather>\n<parameter=city>\nKö"ln"\n<parameter=days>\n2\n</function>\n' +
    "</tool_call><|im_end|>",
    "It rains.<|im_end|>",
    "Let me look.<tool_call>\n<function=weather>\n<parameter=city>\nRome\n</function>\n</tool_call>" +
    "<tool_call>\n<function=now>\n</function>\n</tool_call><|im_end|>",
    "It is dry.<|im_end|>",
  ],
};

for (const { name, bos, messages, text, ids } of golden.cases) {
  Deno.test(`chat tools: ids of ${name} as transformers has them, calls and answers learnt`, () => {
    const tokenizer = chatEncoder(byteLevelTokenizer(), bos, "</s>");
    const chat = chatOf({ messages, tools: golden.tools });
    const example = encodeChat(chat, templates[name]!, tokenizer);
    assert.equal(plain.decode(example.ids), text);
    assert.deepEqual([...example.ids], ids.split(" ").map(Number));
    assert.equal(learnt(example), LEARNT[name]!.join(""));
    let turn = 0;
    for (const [i, one] of chat.messages.entries()) {
      if (one.role !== "assistant") continue;
      const only = chat.messages.map((message, j) => ({ ...message, supervised: i === j }));
      const masked = encodeChat({ ...chat, messages: only }, templates[name]!, tokenizer);
      assert.deepEqual(masked.ids, example.ids);
      assert.equal(learnt(masked), LEARNT[name]![turn++]);
    }
  });
}

Deno.test("chat tools: the fields of OpenAI's files, old and new, and of ShareGPT's", () => {
  const asked = { role: "user", content: "?" };
  const wanted: Message = {
    role: "assistant",
    content: "",
    supervised: true,
    toolCalls: [{ name: "f", arguments: { a: 1 } }],
  };
  const calls: Fields[] = [
    { tool_calls: [{ type: "function", function: { name: "f", arguments: '{"a": 1}' } }] },
    { content: null, tool_calls: [{ function: { name: "f", arguments: { a: 1 } } }] },
    { content: "", function_call: { name: "f", arguments: '{"a": 1}' } },
    { tool_calls: [{ name: "f", arguments: { a: 1 } }] },
  ];
  for (const call of calls) {
    const chat = chatOf({ messages: [asked, { role: "assistant", ...call }], functions: [{}] });
    const [{ text, ...read }] = chat.messages[1]!.toolCalls as [ToolCall];
    assert.deepEqual({ ...chat.messages[1], toolCalls: [read] }, wanted);
    assert.equal(text, JSON.stringify(call).includes('\\"') ? '{"a": 1}' : undefined);
    assert.deepEqual(chat.tools, [{}]);
  }
  const { messages } = chatOf({
    messages: [
      { role: "developer", content: "Be kind." },
      asked,
      { role: "assistant", tool_calls: [{ id: "c1", function: { name: "f" } }] },
      { role: "tool", content: [{ type: "text", text: "x" }], tool_call_id: "c1", name: "f" },
      { role: "function", content: "y", name: "f" },
      { role: "assistant", content: "Done.", weight: 0 },
    ],
  });
  const common = { supervised: true };
  assert.deepEqual(messages, [
    { role: "system", content: "Be kind.", ...common },
    { role: "user", content: "?", ...common },
    { ...wanted, toolCalls: [{ id: "c1", name: "f", arguments: {} }] },
    { role: "tool", content: "x", name: "f", toolCallId: "c1", ...common },
    { role: "tool", content: "y", name: "f", ...common },
    { role: "assistant", content: "Done.", supervised: false },
  ]);
  const shared = chatOf({
    tools: '[{"name": "f"}]',
    conversations: [
      ["human", "?"],
      ["gpt", "I look."],
      ["function_call", '{"name": "f", "arguments": {"a": 1}}'],
      ["observation", "x"],
      ["observation", "y"],
      ["gpt", "Done."],
    ].map(([from, value]) => ({ from, value })),
  });
  const roles = shared.messages.map(({ role }) => role).join(" ");
  assert.equal(roles, "user assistant tool tool assistant");
  assert.deepEqual(shared.messages[1], { ...wanted, content: "I look." });
  assert.deepEqual(shared.tools, [{ name: "f" }]);
});

const content = fc.array(
  fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 12 }),
    fc.constantFrom(...BYTE_LEVEL_SPECIAL, "<|im_", "end|>", '"', "\\", "\n", "</tool_call>", "{{"),
  ),
  { minLength: 1, maxLength: 5 },
).map((parts) => parts.join("")).filter((text) => text.trim() !== "");

Deno.test("chat tools: of any call all is learnt, and nothing in it becomes a special token", () => {
  const specials = new Set(BYTE_LEVEL_SPECIAL.flatMap((text) => plain.encode(text)));
  const count = (ids: Uint32Array) => ids.filter((id) => specials.has(id)).length;
  const values = fc.dictionary(
    fc.constantFrom("a", "b", "c"),
    fc.oneof(content, fc.integer(), fc.boolean(), fc.array(content, { maxLength: 2 })),
  );
  fc.assert(
    fc.property(values, content, content, (values, answer, observed) => {
      const chat = (values: Fields, answer: string, observed: string) =>
        chatOf({
          tools: golden.tools,
          messages: [
            { role: "user", content: "?" },
            { role: "assistant", tool_calls: [{ function: { name: "f", arguments: values } }] },
            { role: "tool", content: observed },
            { role: "assistant", content: answer },
          ],
        });
      const example = encodeChat(chat(values, answer, observed), templates["hermes"]!);
      const text = learnt(example);
      const begin = '<tool_call>\n{"name": "f", "arguments": ';
      const end = `}\n</tool_call><|im_end|>${answer}<|im_end|>`;
      assert.ok(text.startsWith(begin) && text.endsWith(end), text);
      const shown = text.slice(begin.length, -end.length);
      assert.deepEqual(JSON.parse(shown), JSON.parse(JSON.stringify(values)));
      const other = encodeChat(chat({}, "x", "x"), templates["hermes"]!);
      assert.equal(count(example.ids), count(other.ids));
    }),
    { numRuns: 100 },
  );
});

const call = { role: "assistant", tool_calls: [{ function: { name: "f", arguments: {} } }] };
const user = { role: "user", content: "?" };
const wrong: [fields: Fields, template: string, message: RegExp][] = [
  [{ messages: [user, call], tools: [{}] }, "{{ messages }}", /:3: found tools in the chat, and/],
  [
    { messages: [user, call] },
    "{% for m in messages %}{{ m.content }}</s>{% endfor %}",
    /writes a call of message 2 0 times/,
  ],
  [
    { messages: [user, call] },
    "{% for m in messages %}{{ m.content }}{% for c in m.tool_calls or [] %}{{ c.function.name }}" +
    "{% endfor %}</s>{% endfor %}",
    /calls after "<\/s>" in chat template own, wanted a generation prompt before them/,
  ],
  [
    { messages: [user, { role: "user", content: "a", function_call: { name: "f" } }] },
    "",
    /call by/,
  ],
  [{ messages: [{ ...call, tool_calls: [{ function: {} }] }] }, "", /wanted the field name, a str/],
  [{ messages: [{ ...call, tool_calls: "f" }] }, "", /a string in tool_calls, wanted a list/],
  [{ messages: [{ ...call, tool_calls: [{ name: "f", arguments: "{" }] }] }, "", /"\{" in argum/],
  [{ messages: [{ ...call, tool_calls: [{ name: "f", arguments: [] }] }] }, "", /array in argumen/],
  [{ messages: [call], tools: "{}" }, "", /an object in tools, wanted a list of tools/],
  [
    { conversations: [{ from: "function_call", value: "f()" }] },
    "",
    /"f\(\)", wanted the JSON of a/,
  ],
  [{ messages: [{ role: "robot", content: "a" }] }, "", /role "robot", wanted system, developer/],
];

Deno.test("chat tools: what does not fit gives a sentence", () => {
  for (const [fields, source, message] of wrong) {
    const render = () => encodeChat(chatOf(fields), new ChatTemplate("own", source));
    assert.throws(render, (error: Error) => {
      assert.match(error.message, message);
      return error instanceof FileError || error instanceof ConfigError;
    });
  }
});

Deno.test("chat tools: numbers and the order of keys are those of the row, as Python reads them", async () => {
  const call = '{"b": 9007199254740993, "10": 10.0, "2": [1e-07, -0.0, 1E5, null], "s": "1.0"}';
  const tools = '[{"name": "f", "parameters": {"2": {"default": 1.0}, "1": 12345678901234567890}}]';
  const extra = '{"9": 1.5e300, "1": "x"}';
  const source = `{% for m in messages %}{{ m.role }}{{ m.content }}{{ m.extra }}` +
    "{% for c in m.tool_calls or [] %}{{ c.function.name }}{{ c.function.arguments | tojson }}" +
    "{% for k, v in c.function.arguments.items() %}{{ k }}={{ v }};{% endfor %}{% endfor %}" +
    "{% endfor %}{{ tools | tojson }}";
  const rowOf = (args: string) =>
    `{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "extra": ` +
    `${extra}, "tool_calls": [{"function": {"name": "f", "arguments": ${args}}}]}], "tools": ${tools}}`;
  const wanted = "useraassistantb" +
    "{'9': 1.5e+300, '1': 'x'}" +
    'f{"b": 9007199254740993, "10": 10.0, "2": [1e-07, -0.0, 100000.0, null], "s": "1.0"}' +
    "b=9007199254740993;10=10.0;2=[1e-07, -0.0, 100000.0, None];s=1.0;" +
    '[{"name": "f", "parameters": {"2": {"default": 1.0}, "1": 12345678901234567890}}]';
  const files = {
    "template.jinja": source,
    "lines.jsonl": `${rowOf(call)}\n${rowOf(JSON.stringify(call))}\n`,
    "list.json": `[${rowOf(call)}, ${rowOf(JSON.stringify(call))}]`,
  };
  await withFiles(files, async (folder) => {
    const template = { file: `${folder}/template.jinja` };
    for (const name of ["lines.jsonl", "list.json"]) {
      const entry = { path: `${folder}/${name}`, template };
      const options = { maxTokens: 4096, allow: ["no-end" as const] };
      const { examples } = await loadExamples(entry, plain, options);
      assert.equal(examples.length, 2);
      for (const { ids } of examples) {
        assert.equal(plain.decode([...ids]), wanted);
      }
    }
  });
});

Deno.test("chat tools: arguments that are a text are written as they are by templates that take one", () => {
  const text = '{"b":1E2,  "a":"x \\"y\\""}';
  const object = '{"b": 100.0, "a": "x \\"y\\""}';
  const forms: [jinja: string, learnt: string][] = [
    ["c.arguments if c.arguments is string else c.arguments | tojson", text],
    ["'' + c.arguments", text],
    ["c.arguments | tojson", object],
    ["c.arguments.items() | list", String.raw`[('b', 100.0), ('a', 'x "y"')]`],
  ];
  for (const [jinja, wanted] of forms) {
    const source = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}" +
      `{% for t in m.tool_calls or [] %}{% set c = t.function %}{{ c.name }}{{ ${jinja} }}{% endfor %}` +
      "</s>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}{# tools #}";
    const call = { function: { name: "f", arguments: text } };
    const messages = [{ role: "user", content: "a" }, { role: "assistant", tool_calls: [call] }];
    const chat = chatOf({ messages, tools: [{ name: "f" }] });
    const example = encodeChat(chat, new ChatTemplate("form", source));
    assert.equal(learnt(example), `f${wanted}</s>`, jinja);
  }
});
