import assert from "node:assert/strict";
import { join } from "node:path";
import { Tokenizer } from "../../src/deps/tokenizers.ts";
import fc from "fast-check";
import { loadTokenizer } from "../../src/io/tokenizer/tokenizer.ts";
import { byteLevelTokenizer } from "../data/tokenize/tokenizers.ts";
import { assertFileError, folderOf, noSharedData, sharedData, withFolder } from "./helpers.ts";

/** A tokenizer of single letters and three special tokens. */
const TOKENIZER = {
  version: "1.0",
  added_tokens: [
    { id: 4, content: "<s>", special: true, normalized: false },
    { id: 5, content: "</s>", special: true, normalized: false },
    { id: 9, content: "<|turn|>", special: true, normalized: false },
  ],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: { type: "Fuse" },
  model: { type: "BPE", vocab: { a: 0, b: 1, " ": 2, ".": 3 }, merges: [] },
};

const BEGINS_WITH_BOS = {
  type: "TemplateProcessing",
  single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
  pair: [],
  special_tokens: { "<s>": { id: "<s>", ids: [4], tokens: ["<s>"] } },
};

function load(parent: string, files: Record<string, unknown>) {
  return loadTokenizer(folderOf(parent, "tokenizer", { "tokenizer.json": TOKENIZER, ...files }));
}

Deno.test({
  name: "encode() with BOS in front equals the golden ids, and decode() gives the text back",
  ignore: noSharedData,
  fn() {
    const golden = JSON.parse(
      Deno.readTextFileSync(join(sharedData, "golden/stories260K.json")),
    ) as { encode: { text: string; ids: number[] }[] };
    const tokenizer = loadTokenizer(join(sharedData, "models/stories260K"));
    assert.deepEqual([tokenizer.bos, tokenizer.eos, tokenizer.vocabSize], [1, 2, 512]);
    assert.equal(tokenizer.addsBos, true);
    assert.ok(golden.encode.length > 10);
    for (const { text, ids } of golden.encode) {
      assert.deepEqual([tokenizer.bos, ...tokenizer.encode(text)], ids, JSON.stringify(text));
      assert.equal(tokenizer.decode(ids), text);
    }
  },
});

Deno.test("decode() keeps spaces, takes no ids and shows special tokens when asked", () =>
  withFolder((parent) => {
    const tokenizer = load(parent, {});
    assert.equal(tokenizer.decode([]), "");
    assert.equal(tokenizer.decode([0, 2, 3]), "a .");
    assert.equal(tokenizer.decode([4, 0, 9, 5]), "a");
    assert.equal(tokenizer.decode([4]), "");
    assert.equal(tokenizer.decode([4, 0, 9], { skipSpecial: false }), "<s>a<|turn|>");
  }));

Deno.test("encode() adds no special tokens but knows those in the text", () =>
  withFolder((parent) => {
    const tokenizer = load(parent, {
      "tokenizer.json": { ...TOKENIZER, post_processor: BEGINS_WITH_BOS },
    });
    assert.deepEqual(tokenizer.encode("ab"), [0, 1]);
    assert.deepEqual(tokenizer.encode("a<|turn|>b"), [0, 9, 1]);
    assert.deepEqual(tokenizer.encode(""), []);
  }));

Deno.test("loadTokenizer() finds BOS and EOS where Hugging Face writes them", () =>
  withFolder((parent) => {
    const special = (files: Record<string, unknown>) => {
      const folder = folderOf(Deno.makeTempDirSync({ dir: parent }), "t", {
        "tokenizer.json": TOKENIZER,
        ...files,
      });
      const { bos, eos } = loadTokenizer(folder);
      return [bos, eos];
    };
    const asText = { bos_token: "<s>", eos_token: "</s>" };
    const asObject = { bos_token: { content: "<s>" }, eos_token: { content: "</s>" } };
    const asIds = { bos_token_id: 4, eos_token_id: [5, 9] };
    assert.deepEqual(special({ "tokenizer_config.json": asText }), [4, 5]);
    assert.deepEqual(special({ "tokenizer_config.json": asObject }), [4, 5]);
    assert.deepEqual(special({ "special_tokens_map.json": asObject }), [4, 5]);
    assert.deepEqual(special({ "config.json": asIds }), [4, 5]);
    assert.deepEqual(special({}), [null, null]);
    const none = { bos_token: null, eos_token: "<|turn|>" };
    assert.deepEqual(special({ "tokenizer_config.json": none, "config.json": asIds }), [null, 9]);
  }));

Deno.test("addsBos follows add_bos_token, else the post-processor", () =>
  withFolder((parent) => {
    const adds = (post_processor: unknown, config: Record<string, unknown>) =>
      load(parent, {
        "tokenizer.json": { ...TOKENIZER, post_processor },
        "tokenizer_config.json": { bos_token: "<s>", ...config },
      }).addsBos;
    assert.equal(adds(null, {}), false);
    assert.equal(adds(BEGINS_WITH_BOS, {}), true);
    assert.equal(adds(BEGINS_WITH_BOS, { add_bos_token: false }), false);
    assert.equal(adds(null, { add_bos_token: true }), true);
    assert.equal(adds(null, { add_bos_token: true, bos_token: null }), false);
  }));

Deno.test("vocabSize is one more than the largest id", () =>
  withFolder((parent) => assert.equal(load(parent, {}).vocabSize, 10)));

Deno.test("loadTokenizer() refuses what is enormous, too deep, or no tokenizer", () =>
  withFolder((folder) => {
    const path = join(folder, "tokenizer.json");
    const refuses = (value: unknown, ...parts: string[]) => {
      Deno.writeTextFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
      assertFileError(() => loadTokenizer(folder), path, ...parts);
    };
    const good = TOKENIZER;
    const { model } = good;
    refuses({ ...good, model: { ...model, type: {} } }, "model.type is a JSON object, wanted its");
    Deno.writeTextFileSync(path, JSON.stringify({ ...good, model: { ...model, type: "none" } }));
    assertFileError(() => loadTokenizer(folder).encode("~"), path, "a text that has no id");
    for (const id of [-1, 0.5, 2 ** 24, 2 ** 31, "7", null]) {
      const words = `has the id ${JSON.stringify(id)}, wanted a whole number from 0 on`;
      refuses({ ...good, model: { ...model, vocab: { a: id } } }, words);
      refuses({ ...good, added_tokens: [{ id, content: "<s>", special: true }] }, words);
    }
    for (const field of [null, 1, "x", [], { type: "None" }]) refuses({ ...good, model: field });
    for (const merges of [7, [null]]) refuses({ ...good, model: { ...model, merges } });
    refuses({ ...good, pre_tokenizer: { type: "Split", pattern: { Regex: "(" } } });
    refuses(`{"model":${"[".repeat(1e6)}${"]".repeat(1e6)}}`, "nests deeper than 100 levels");
    Deno.truncateSync(path, 5e9);
    assertFileError(() => loadTokenizer(folder), `${path}: found 5000000000 bytes, wanted at most`);
  }));

Deno.test("normalisers that would fill memory are refused, or end at a bound", () =>
  withFolder((folder) => {
    const path = join(folder, "tokenizer.json");
    const load = (normalizer: unknown) => {
      Deno.writeTextFileSync(path, JSON.stringify({ ...TOKENIZER, normalizer }));
      return loadTokenizer(folder);
    };
    const replace = (content: string) => ({ type: "Replace", pattern: { String: "a" }, content });
    const chain = (count: number, content: string): unknown => ({
      type: "Sequence",
      normalizers: Array.from({ length: count }, () => replace(content)),
    });
    assertFileError(
      () => load(replace("a".repeat(1e6))),
      path,
      "a Replace puts in 1000000 characters",
    );
    assertFileError(() => load(chain(257, "a")), path, "found more than 256 steps");
    for (const doubling of [chain(40, "aa"), chain(2, "a".repeat(256))]) {
      const tokenizer = load({ type: "Sequence", normalizers: [doubling] });
      assertFileError(
        () => tokenizer.encode("a"),
        "its normaliser makes more than 4160 characters of 1",
      );
    }
    assert.deepEqual(load(chain(3, "a")).encode("a"), load(null).encode("a"));
  }));

Deno.test("loadTokenizer() refuses missing and damaged files", () =>
  withFolder((parent) => {
    assertFileError(() => loadTokenizer(parent), join(parent, "tokenizer.json"), "no such file");
    assertFileError(() => load(parent, { "tokenizer.json": [] }), "tokenizer.json", "an array");
    assertFileError(() => load(parent, { "tokenizer.json": {} }), "tokenizer.json", `"model"`);
    const odd = { ...TOKENIZER, normalizer: { type: "Odd" } };
    assertFileError(() => load(parent, { "tokenizer.json": odd }), "tokenizer.json", "Odd");
    const unnamed = { ...TOKENIZER, added_tokens: [{ id: 4 }] };
    assertFileError(
      () => load(parent, { "tokenizer.json": unnamed }),
      "tokenizer.json",
      "Cannot use",
    );
    const config = { bos_token: "<bos>" };
    assertFileError(
      () => load(parent, { "tokenizer_config.json": config }),
      parent,
      `bos_token "<bos>"`,
      "not in tokenizer.json",
    );
  }));

Deno.test("encode() keeps pieces, and gives what the library gives without (property)", () =>
  withFolder((parent) => {
    const sequence = byteLevelTokenizer();
    const bytes = { type: "ByteLevel", trim_offsets: true };
    const kinds = [
      sequence,
      { ...sequence, pre_tokenizer: { ...bytes, add_prefix_space: false, use_regex: true } },
      { ...sequence, pre_tokenizer: { ...bytes, add_prefix_space: true, use_regex: true } },
      { ...sequence, pre_tokenizer: { ...bytes, add_prefix_space: true, use_regex: false } },
    ];
    const word = fc.constantFrom(
      "Hello",
      " the",
      "  ",
      "\n\n",
      "1234",
      "'ll",
      "é",
      "\ud83d",
      "<s>",
      "",
    );
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.array(word).map((all) => all.join("")));
    for (const [i, tokenizer] of kinds.entries()) {
      const kept = loadTokenizer(folderOf(parent, `${i}`, { "tokenizer.json": tokenizer }));
      const plain = new Tokenizer(tokenizer, {});
      fc.assert(fc.property(text, (text) => {
        const expected = plain.encode(text, { add_special_tokens: false }).ids;
        assert.deepEqual(kept.encode(text), expected);
        assert.deepEqual(kept.encode(text), expected, "again");
      }));
    }
  }));
