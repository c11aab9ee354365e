import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError, FileError } from "../../../src/errors.ts";
import {
  ChatTemplate,
  chatTemplates,
  encode,
  type Message,
  type RowTokenizer,
  UNSUPERVISED,
} from "../../../src/data/mod.ts";
import golden from "./golden.json" with { type: "json" };
import {
  BYTE_LEVEL_SPECIAL,
  byteLevelTokenizer,
  chatEncoder,
  sentencePieceTokenizer,
} from "../tokenize/tokenizers.ts";

const bytes = (bos: string | null, eos: string) => chatEncoder(byteLevelTokenizer(), bos, eos);
const pieces = () => chatEncoder(sentencePieceTokenizer(), "<s>", "</s>");

/** For each template: a tokenizer that suits it, and what is learnt of an answer. */
const LEARNT: Record<string, [ReturnType<typeof pieces>, (answer: string) => string]> = {
  chatml: [bytes(null, "<|im_end|>"), (answer) => `${answer}<|im_end|>`],
  "llama-2": [pieces(), (answer) => ` ${answer.trim()} </s>`],
  "llama-3": [bytes("<|begin_of_text|>", "<|eot_id|>"), (answer) => `${answer.trim()}<|eot_id|>`],
  mistral: [pieces(), (answer) => ` ${answer}</s>`],
  gemma: [bytes("<s>", "</s>"), (answer) => `${answer.trim()}<end_of_turn>`],
  vicuna: [pieces(), (answer) => ` ${answer}</s>`],
  alpaca: [bytes("<s>", "</s>"), (answer) => `${answer}</s>`],
};

function templateOf(name: string): ChatTemplate {
  return new ChatTemplate(name, chatTemplates[name]!);
}

function encodeChat(
  messages: readonly Message[],
  template: ChatTemplate | null,
  encoder: RowTokenizer,
) {
  return encode({ kind: "chat", messages, template, origin: "chats.jsonl:3" }, encoder);
}

function learnt(example: ReturnType<typeof encode>, { decode }: ReturnType<typeof pieces>): string {
  return decode(example.labels.filter((label) => label !== UNSUPERVISED));
}

/** user, assistant, user, assistant, ...: all answers supervised. */
function chatOf(...contents: string[]): Message[] {
  return contents.map((content, i) => ({
    role: i % 2 === 0 ? "user" : "assistant",
    content,
    supervised: i % 2 === 1,
  }));
}

Deno.test("chat templates: text and ids as transformers has them", () => {
  for (const { template, tokenizer, bos, eos, messages, text, ids } of golden.cases) {
    const json = tokenizer === "bytes" ? byteLevelTokenizer() : sentencePieceTokenizer();
    const encoder = chatEncoder(json, bos, eos);
    const chat = messages.map((message) => ({ ...message, supervised: true })) as Message[];
    assert.equal(templateOf(template).render(chat, encoder.chat!, "golden"), text, template);
    const found = [...encodeChat(chat, templateOf(template), encoder).ids];
    // Where a template writes no BOS, transformers has none; a model that wants it gets it here.
    const wanted = ids.split(" ").map(Number);
    if (encoder.bos !== null && wanted[0] !== encoder.bos) wanted.unshift(encoder.bos);
    assert.deepEqual(found, wanted, `${template} over ${tokenizer}`);
  }
  assert.deepEqual(new Set(golden.cases.map(({ template }) => template)).size, 7);
});

/** Text with what looks like special tokens, whole and in halves. */
const content = fc.array(
  fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 12 }),
    fc.constantFrom(...BYTE_LEVEL_SPECIAL, "<|im_", "end|>", "[/INST]", " ", "\n", "<unk>", "{{"),
  ),
  { minLength: 1, maxLength: 5 },
).map((parts) => parts.join("")).filter((text) => text.trim() !== "")
  .filter((text) => !text.includes("▁")); // which SentencePiece itself takes for a space
const turns = fc.array(fc.tuple(content, content), { minLength: 1, maxLength: 4 });

for (const [name, [encoder, learntOf]] of Object.entries(LEARNT)) {
  Deno.test(`chat templates: of any chat, ${name} learns the answers and their ends`, () => {
    const template = templateOf(name);
    fc.assert(
      fc.property(turns, fc.option(content), fc.nat(), (turns, system, which) => {
        const chat = chatOf(...turns.flat());
        if (system !== null) {
          chat.unshift({ role: "system", content: system, supervised: false });
        }
        const answers = turns.map(([, answer]) => answer);
        const example = encodeChat(chat, template, encoder);
        assert.equal(learnt(example, encoder), answers.map(learntOf).join(""));

        const one = which % answers.length;
        let turn = 0;
        const masked = chat.map((message) =>
          message.role === "assistant" ? { ...message, supervised: turn++ === one } : message
        );
        const onlyOne = encodeChat(masked, template, encoder);
        assert.deepEqual(onlyOne.ids, example.ids);
        assert.equal(learnt(onlyOne, encoder), learntOf(answers[one]!));
      }),
      { numRuns: 60 },
    );
  });
}

Deno.test("chat templates: no text of a message becomes a special token", () => {
  for (const [name, [encoder]] of Object.entries(LEARNT)) {
    const specials = new Set(encoder.chat!.specialTokens.flatMap((text) => encoder.encode(text)));
    const count = (messages: Message[]) =>
      encodeChat(messages, templateOf(name), encoder).ids.filter((id) => specials.has(id)).length;
    fc.assert(
      fc.property(turns, (turns) => {
        assert.equal(count(chatOf(...turns.flat())), count(chatOf(...turns.flat().map(() => "x"))));
      }),
      { numRuns: 20 },
    );
  }
});

Deno.test("chat templates: BOS once, whether the template writes it or not", () => {
  const encoder = bytes("<|begin_of_text|>", "<|eot_id|>");
  for (const name of ["llama-3", "chatml"]) {
    const { ids } = encodeChat(chatOf("Hello", "you"), templateOf(name), encoder);
    assert.equal(ids[0], encoder.bos);
    assert.equal(ids.filter((id) => id === encoder.bos).length, 1);
  }
});

Deno.test("chat templates: {% generation %} decides where there is one", () => {
  const encoder = bytes("<s>", "</s>");
  const template = new ChatTemplate(
    "marked",
    "{% for m in messages %}{% if m.role == 'assistant' %}" +
      "Bot:{%- generation -%} {{ ' ' + m.content }}!{% endgeneration %}\n" +
      "{% else %}User: {{ m.content }}\n{% endif %}{% endfor %}",
  );
  const chat = chatOf("Hello", "you</s>", "are", "the");
  assert.equal(learnt(encodeChat(chat, template, encoder), encoder), " you</s>! the!");
  const last = chat.map((message, i) => ({ ...message, supervised: i === 3 }));
  assert.equal(learnt(encodeChat(last, template, encoder), encoder), " the!");
});

Deno.test("chat templates: the model's own, and what it lacks", () => {
  const encoder = bytes("<s>", "</s>");
  const chat = chatOf("Hello", "you");
  assert.throws(() => encodeChat(chat, null, encoder), (error: Error) => {
    return error instanceof ConfigError && /chats\.jsonl:3: .*no chat template/.test(error.message);
  });
  const own = { ...encoder, chat: { ...encoder.chat!, template: templateOf("alpaca") } };
  assert.equal(learnt(encodeChat(chat, null, own), encoder), "you</s>");
  const { chat: _, ...without } = encoder;
  assert.throws(() => encodeChat(chat, templateOf("chatml"), without), ConfigError);
});

const wrong: [string, string, RegExp][] = [
  ["raise", "{{ raise_exception('no such\nrole') }}", /cannot render \(no such role\)/],
  ["typo", "{{ messages[0].content.nothing() }}", /:3: found a chat that template typo cannot/],
  [
    "loop",
    "{% set r = range(3000) %}{% for i in r %}{% for j in r %}{{ i }}{% endfor %}{% endfor %}",
    /more work than 4000000 steps/,
  ],
  ["range", "{% for i in range(1000000000) %}{% endfor %}", /more than 100000 numbers/],
  ["zero", "{{ range(1, 2, 0) }}", /must not be zero/],
  [
    "recursion",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    /template recursion cannot render/,
  ],
  [
    "long",
    "{% set ns = namespace(s='abcdefgh') %}{% for i in range(25) %}" +
    "{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
    /more work than 4000000 steps/,
  ],
  ["no end", "{% for m in messages %}{{ m.content }}\n{% endfor %}", /wanted an end token/],
  ["lost", "{{ messages[0].content }}</s>", /writes the text of message 2 0 times/],
  ["twice", "{{ messages[1].content }}</s>{{ messages[1].content }}</s>", /message 2 twice/],
];

Deno.test("chat templates: one that fails, runs away or alters the chat gives a sentence", () => {
  const encoder = bytes("<s>", "</s>");
  for (const [name, source, message] of wrong) {
    const render = () =>
      encodeChat(chatOf("Hi", "you there"), new ChatTemplate(name, source), encoder);
    assert.throws(render, (error: Error) => {
      assert.match(error.message, message);
      assert.ok(error instanceof FileError || error instanceof ConfigError, error.stack);
      return !error.message.includes("\n");
    });
  }
  assert.throws(() => new ChatTemplate("bad", "{% for %}"), /Chat template bad: cannot be read/);
  assert.throws(
    () => encodeChat(chatOf("\ufdd2", "a"), templateOf("chatml"), encoder),
    /noncharacter in message 1/,
  );
  assert.throws(
    () => encodeChat(chatOf("a", "b").toReversed(), templateOf("llama-2"), encoder),
    /wanted user and assistant in turn/,
  );
});

Deno.test("chat templates: a {% generation %} without an answer goes with the one before it", () => {
  const encoder = bytes("<s>", "</s>");
  const template = new ChatTemplate(
    "ends apart",
    "{% for m in messages %}{% if m.role == 'assistant' %}" +
      "{% generation %}{{ m.content }}{% endgeneration %}{% generation %}</s>{% endgeneration %}" +
      "{% else %}{{ m.content }}{% endif %}{% endfor %}",
  );
  const chat = chatOf("Hello", "you", "are", "the");
  assert.equal(learnt(encodeChat(chat, template, encoder), encoder), "you</s>the</s>");
  const first = chat.map((message, i) => ({ ...message, supervised: i === 1 }));
  assert.equal(learnt(encodeChat(first, template, encoder), encoder), "you</s>");
});

/** As Qwen3 and its heirs: thoughts of the last turn alone, in tags or in a field; else none are said. */
const THINKING = `{%- for m in messages -%}
{{- '<|im_start|>' + m.role + '\\n' -}}
{%- set content = m.content -%}
{%- if m.role == 'assistant' -%}
{%- set thoughts = '' -%}
{%- if m.reasoning_content is string -%}
{%- set thoughts = m.reasoning_content -%}
{%- elif '</think>' in content -%}
{%- set thoughts = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') -%}
{%- set content = content.split('</think>')[-1].lstrip('\\n') -%}
{%- endif -%}
{%- if loop.last -%}{{- '<think>\\n' + thoughts.strip('\\n') + '\\n</think>\\n\\n' -}}{%- endif -%}
{%- endif -%}
{{- content + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}`;

Deno.test("chat templates: what moves, drops or adds thoughts is learnt as it is rendered", () => {
  const encoder = bytes(null, "<|im_end|>");
  const template = new ChatTemplate("thinking", THINKING);
  const learntOf = (...chat: Message[]) => learnt(encodeChat(chat, template, encoder), encoder);
  const tagged = (thoughts: string, answer: string) =>
    `<think>\n${thoughts}\n</think>\n\n${answer}`;

  const inTags = chatOf("Hi", tagged("One.", "a\n  b "), "And?", tagged("Two </s>.", " c"));
  assert.equal(learntOf(...inTags), `a\n  b <|im_end|>${tagged("Two </s>.", " c")}<|im_end|>`);
  const without = chatOf("Hi", "a", "Yes?", "b");
  assert.equal(learntOf(...without), `a<|im_end|>${tagged("", "b")}<|im_end|>`);
  const [user, assistant] = chatOf("Hi", "a");
  const inField = { ...assistant!, others: { reasoning_content: "\nOne.\n\nTwo.\n" } };
  assert.equal(learntOf(user!, inField), `${tagged("One.\n\nTwo.", "a")}<|im_end|>`);
});

Deno.test("chat templates: texts that are cut, escaped or changed are known for a message's", () => {
  const encoder = bytes("<s>", "</s>");
  const forms: [jinja: string, learnt: string][] = [
    [String.raw`m.content.lstrip('\n').rstrip('\n')`, '   a "</s>" b\t'],
    ["m.content | upper", '\n\n   A "</S>" B\t\n'],
    ["m.content | trim | tojson", String.raw`a \"</s>\" b`],
    ["'%s' % (m.content | trim)", 'a "</s>" b'],
    ["'{}'.format(m.content.strip())", 'a "</s>" b'],
    ["m.content.split() | join('_')", 'a_"</s>"_b'],
    ["m.content[5:-2]", 'a "</s>" b'],
    ["m.content | trim | replace(' ', '_')", 'a_"</s>"_b'],
    ["m.content.splitlines()[2] | indent(2, true) | trim", 'a "</s>" b'],
  ];
  for (const [jinja, wanted] of forms) {
    const source = `{% for m in messages %}<|{{ m.role }}|>{{ ${jinja} }}{{ '|' }}` +
      "{{ '</s>' if m.role == 'assistant' }}{% endfor %}";
    const chat = chatOf("\n\n   Hi </s>\n", '\n\n   a "</s>" b\t\n');
    const example = encode(
      { kind: "chat", messages: chat, template: new ChatTemplate("form", source), origin: "a" },
      encoder,
      ["no-end"],
    );
    assert.equal(learnt(example, encoder), wanted, jinja);
    // What was typed is text: the special token has its own id once, at the end.
    const eos = encoder.encode("</s>")[0]!;
    assert.equal(example.ids.filter((id) => id === eos).length, 1, jinja);
  }
});
