import assert from "node:assert/strict";
import { join } from "node:path";
import {
  PRE_TOKENIZERS,
  preTokenizerName,
  preTokenizerOf,
} from "../../src/io/gguf/pre_tokenizer.ts";
import { vocabularyMetadata } from "../../src/export/gguf/vocabulary.ts";
import { assertFileError, folderOf, withFolder } from "../io/helpers.ts";
import { byteTokenizer, spaceTokenizer } from "./tokenizers.ts";

function vocabularyOf(files: Record<string, unknown>, size: number): Record<string, unknown> {
  let found: Record<string, unknown> = {};
  withFolder((parent) => {
    const metadata = vocabularyMetadata(folderOf(parent, "model", files), size);
    found = Object.fromEntries([...metadata].map(([key, { value }]) => [key, value]));
  });
  return found;
}

Deno.test("a byte-level tokenizer keeps its merges and pads what the model has more", () => {
  const found = vocabularyOf({
    "tokenizer.json": byteTokenizer(50),
    "tokenizer_config.json": {
      ...{ bos_token: "<s>", eos_token: { content: "</s>" }, add_bos_token: true },
      chat_template: "{{ messages }}",
    },
    "config.json": { pad_token_id: 7, eos_token_id: [5, 6] },
  }, 52);
  assert.equal(found["tokenizer.ggml.model"], "gpt2");
  assert.equal(found["tokenizer.ggml.pre"], "gpt-2");
  assert.deepEqual(found["tokenizer.ggml.merges"], ["t h", "th e"]);
  const tokens = found["tokenizer.ggml.tokens"] as string[];
  assert.deepEqual(tokens.slice(0, 5), ["<unk>", "<s>", "</s>", "<|endoftext|>", "a"]);
  assert.deepEqual(tokens.slice(50), ["[PAD50]", "[PAD51]"]);
  const types = found["tokenizer.ggml.token_type"] as number[];
  assert.deepEqual([types[0], types[4], types[50]], [3, 1, 5]);
  const id = (name: string) => found[`tokenizer.ggml.${name}_token_id`];
  assert.deepEqual([id("bos"), id("eos"), id("padding"), id("unknown")], [1, 2, 7, undefined]);
  assert.equal(found["tokenizer.ggml.add_bos_token"], true);
  assert.equal(found["tokenizer.chat_template"], "{{ messages }}");
  assert.ok(!("tokenizer.ggml.scores" in found));
});

Deno.test("a tokenizer with a byte fallback gets scores in the order of its merges", () => {
  const found = vocabularyOf({
    "tokenizer.json": spaceTokenizer(),
    "tokenizer_config.json": { bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>" },
  }, 300);
  assert.equal(found["tokenizer.ggml.model"], "llama");
  assert.equal(found["tokenizer.ggml.pre"], "default");
  assert.equal(found["tokenizer.ggml.add_space_prefix"], true);
  const tokens = found["tokenizer.ggml.tokens"] as string[];
  const types = found["tokenizer.ggml.token_type"] as number[];
  const scores = found["tokenizer.ggml.scores"] as number[];
  const at = (token: string) => tokens.indexOf(token);
  const order = ["▁t", "he", "▁th", "▁the"].map((token) => scores[at(token)]!);
  assert.deepEqual(order, order.toSorted((a, b) => b - a));
  assert.ok(scores[at("a")]! < scores[at("▁the")]!);
  assert.deepEqual([types[at("<0x0A>")], types[at("a")], types[at("<s>")]], [6, 1, 3]);
  const own = types.indexOf(4); // an added token that is not special is written with real spaces
  assert.equal(tokens[own], "  ");
  assert.equal(found["tokenizer.ggml.unknown_token_id"], 0);
});

Deno.test("tokenizers that llama.cpp would read otherwise are refused", () => {
  const refused = (change: Record<string, unknown>, size: number, ...wanted: string[]) =>
    withFolder((parent) => {
      const folder = folderOf(parent, "model", {
        "tokenizer.json": { ...byteTokenizer(), ...change },
      });
      assertFileError(
        () => vocabularyMetadata(folder, size),
        join(folder, "tokenizer.json"),
        ...wanted,
      );
    });
  refused({}, 90, "token 95", "only 90 rows");
  refused({ model: { type: "Unigram", vocab: [] } }, 96, `"Unigram"`, `wanted "BPE"`);
  refused({ pre_tokenizer: { type: "WhitespaceSplit" } }, 96, "WhitespaceSplit", "is not known");
  refused({ pre_tokenizer: null }, 96, "null", "is not known");
});

const split = (Regex: string) => ({
  type: "Sequence",
  pretokenizers: [
    { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false },
    { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
  ],
});
const LLAMA_3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

Deno.test("what a name stands for is found by that name again", () => {
  for (const name of PRE_TOKENIZERS) {
    const { preTokenizer, ignoresMerges } = preTokenizerOf(name)!;
    assert.equal(preTokenizerName(preTokenizer, { ignore_merges: ignoresMerges }, "x"), name);
  }
  assert.deepEqual(preTokenizerOf("llama3"), preTokenizerOf("llama-bpe"));
  assert.equal(preTokenizerOf("poro-chat"), undefined);
});

Deno.test("preTokenizerName() tells llama.cpp's kinds apart", () => {
  const name = (pre: unknown, ignore_merges = false) =>
    preTokenizerName(pre, { ignore_merges }, "tokenizer.json");
  const bytes = { type: "ByteLevel", add_prefix_space: false, use_regex: true };
  const digits = { type: "Digits", individual_digits: true };
  assert.equal(name(bytes), "gpt-2");
  assert.equal(name({ type: "Sequence", pretokenizers: [digits, bytes] }), "smollm");
  assert.equal(name(split(LLAMA_3), true), "llama-bpe");
  assert.equal(name(split(LLAMA_3)), "dbrx");
  assert.equal(name(split(LLAMA_3.replace("{1,3}", ""))), "qwen2");
  assertFileError(() => name(split(LLAMA_3.replace("{1,3}", "")), true), "ignore_merges true");
  assertFileError(() => name({ ...bytes, add_prefix_space: true }), "add_prefix_space");
});
