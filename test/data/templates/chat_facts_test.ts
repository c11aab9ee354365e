import assert from "node:assert/strict";
import { ConfigError, FileError } from "../../../src/errors.ts";
import { readChatFacts } from "../../../src/data/mod.ts";
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
