import assert from "node:assert/strict";
import { ConfigError, FileError } from "../../../src/errors.ts";
import { readChatFacts } from "../../../src/data/mod.ts";
import { chatTemplateSources, ownTemplate } from "../../../src/data/templates/chat_facts.ts";
import { writeCheckpoint } from "../../../src/io/checkpoint.ts";
import { withFiles } from "../toy.ts";

type Files = Record<string, unknown>;

/** What is read from a folder of those JSON files, and what its template makes of one turn. */
async function factsOf(files: Files) {
  const texts = Object.entries(files).map(([name, content]) => [
    name,
    typeof content === "string" ? content : JSON.stringify(content),
  ]);
  let facts: ReturnType<typeof readChatFacts> | undefined;
  await withFiles(Object.fromEntries(texts), async (folder) => {
    facts = await Promise.resolve(folder).then(readChatFacts);
  });
  const rendered = facts!.template?.render([{ role: "user", content: "Hi" }], facts!, "a");
  return { ...facts!, rendered };
}

Deno.test("chat facts: the template is a text, the default of a list, or a file", async () => {
  const config = (chat_template: unknown) => ({ "tokenizer_config.json": { chat_template } });
  const text = "{{ messages[0].content }}!";
  assert.equal((await factsOf(config(text))).rendered, "Hi!");
  const list = [{ name: "tool_use", template: "no" }, { name: "default", template: text }];
  assert.equal((await factsOf(config(list))).rendered, "Hi!");
  const both = { ...config("no"), "chat_template.jinja": text };
  assert.equal((await factsOf(both)).rendered, "Hi!");
  assert.equal((await factsOf({})).template, null);
  await assert.rejects(factsOf(config([{ name: "rag", template: "no" }])), FileError);
  await assert.rejects(factsOf(config("{% if %}")), ConfigError);
});

Deno.test("chat facts: the template named tool_use is for chats with tools", async () => {
  const [plain, tools] = ["{{ messages[0].content }}", "{{ tools | length }}"];
  const list = [{ name: "tool_use", template: tools }, { name: "default", template: plain }];
  const config = (chat_template: unknown) => ({ "tokenizer_config.json": { chat_template } });
  const files = { "additional_chat_templates/tool_use.jinja": tools, "chat_template.jinja": plain };
  const chosen = async (given: Files, tools?: unknown[]) => {
    const facts = await factsOf(given);
    const template = ownTemplate(facts, tools);
    return template?.render([{ role: "user", content: "Hi" }], facts, "a", tools && { tools });
  };
  for (const given of [config(list), files, { ...config(plain), ...files }]) {
    assert.equal(await chosen(given, [{}, {}]), "2");
    assert.equal(await chosen(given), "Hi");
  }
  // Files stand in place of what tokenizer_config.json has.
  const only = { ...config(list), "chat_template.jinja": plain };
  assert.equal(await chosen(only, [{}]), "Hi");
  assert.equal(await chosen(config([list[0]]), [{}]), "1");
  assert.equal(await chosen(config([list[0]])), undefined);
});

Deno.test("chat facts: a written checkpoint keeps all templates of the base", async () => {
  const sources = [["default", "a"], ["rag", "b"], ["tool_use", "c"]] as const;
  const files = Object.fromEntries(sources.map(([name, text]) => [
    name === "default" ? "chat_template.jinja" : `additional_chat_templates/${name}.jinja`,
    text,
  ]));
  await withFiles({ ...files, "tokenizer_config.json": "{}" }, (folder) => {
    const out = `${folder}/out`;
    writeCheckpoint(out, { config: {}, tensors: [], copyFrom: folder });
    assert.deepEqual([...chatTemplateSources(out)].sort(), sources);
    return Promise.resolve();
  });
});

Deno.test("chat facts: special tokens, written as text or as an object", async () => {
  const facts = await factsOf({
    "tokenizer_config.json": { bos_token: { content: "<s>" }, eos_token: null },
    "special_tokens_map.json": { eos_token: "</s>" },
    "tokenizer.json": {
      added_tokens: [
        { content: "<s>", special: true },
        { content: "<think>", special: false },
        { content: "</s>", special: true },
      ],
    },
    "chat_template.jinja": "{{ bos_token }}{{ eos_token }}",
  });
  assert.deepEqual([facts.bosToken, facts.specialTokens], ["<s>", ["<s>", "</s>"]]);
  assert.equal(facts.rendered, "<s></s>");
});
