import assert from "node:assert/strict";
import { Tokenizer } from "../../src/deps/tokenizers.ts";
import fc from "fast-check";
import { BOS, BYTE_CHARACTERS, EOS, tokenizerFiles, trainBpe } from "../../src/quickstart/bpe.ts";
import { quickstartFiles, VOCABULARY_SIZE } from "../../src/quickstart/make.ts";
import { EVAL_SEED, stories, wordCount } from "../../src/quickstart/stories.ts";

const folder = new URL("../../configs/quickstart/", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, folder));
const tokenizer = new Tokenizer(
  JSON.parse(read("base/tokenizer.json")),
  JSON.parse(read("base/tokenizer_config.json")),
);

function assertRoundTrip(text: string): void {
  const { ids } = tokenizer.encode(text);
  assert.equal(ids[0], 0);
  assert.ok(ids.every((id) => id < VOCABULARY_SIZE));
  // The library refuses to decode an empty list.
  if (ids.length > 1) assert.equal(tokenizer.decode(ids.slice(1)), text);
  else assert.equal(text, "");
}

Deno.test("configs/quickstart holds exactly what make.ts writes, under 1.5 MB", () => {
  const files = quickstartFiles();
  for (const [path, text] of Object.entries(files)) {
    assert.ok(read(path) === text, `${path} differs: run deno run -A src/quickstart/make.ts`);
  }
  assert.ok(Object.values(files).join("").length < 1.5e6);
});

Deno.test("the tokenizer brings any text back", () => {
  const texts = [
    "",
    " ",
    "  a  b ",
    "\n\n\t",
    "naïve 日本語 😀👩‍👩‍👧",
    "\u0000\u007f\u00a0\u00ad",
    "don't I'D",
  ];
  for (const text of [...texts, ...stories(EVAL_SEED, 200)]) assertRoundTrip(text);
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), assertRoundTrip));
});

Deno.test("the tokenizer needs under 1.6 tokens for a word of unseen stories", () => {
  let tokens = 0;
  let words = 0;
  for (const text of stories(EVAL_SEED, 300)) {
    tokens += tokenizer.encode(text).ids.length - 1;
    words += wordCount(text);
  }
  assert.ok(tokens / words < 1.6, `${tokens / words}`);
});

Deno.test("the tokenizer puts <s> and </s> at 0 and 1 and knows </s> inside a text", () => {
  assert.deepEqual(tokenizer.encode(`${BOS}${EOS}`, { add_special_tokens: false }).ids, [0, 1]);
  assert.equal(tokenizer.encode("a").ids.length, 2);
});

Deno.test("trainBpe() joins the most frequent pair first and breaks ties by order", () => {
  const { tokens, merges } = trainBpe(["abab abab cd"], 2 + 256 + 3);
  assert.deepEqual(merges, [["a", "b"], ["ab", "ab"], ["c", "d"]]);
  assert.deepEqual(tokens.slice(-3), ["ab", "abab", "cd"]);
});

Deno.test("trainBpe() says when the text is too small", () => {
  assert.throws(() => trainBpe(["ab"], 300), /Found text for 259 tokens, wanted 300/);
});

Deno.test("BYTE_CHARACTERS are 256 different characters without a space", () => {
  assert.equal(new Set(BYTE_CHARACTERS).size, 256);
  assert.ok(BYTE_CHARACTERS.every((character) => !/\s/u.test(character)));
  assert.equal(BYTE_CHARACTERS[0x20], "Ġ");
  assert.equal(BYTE_CHARACTERS[0x0a], "Ċ");
});

Deno.test("tokenizerFiles() lists every token once, by id", () => {
  const files = tokenizerFiles(trainBpe(["a b c a b"], 260), 64);
  const { model } = files["tokenizer.json"] as { model: { vocab: Record<string, number> } };
  const ids = Object.values(model.vocab).sort((a, b) => a - b);
  assert.deepEqual(ids, Array.from({ length: 260 }, (_, id) => id));
});
