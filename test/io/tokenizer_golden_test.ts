/** Tokenizers of every kind against Python's: see test/golden/make_tokenizers.py. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type AddedToken, AddedTokens } from "../../src/io/tokenizer/added_tokens.ts";
import { loadTokenizer } from "../../src/io/tokenizer/tokenizer.ts";
import { assertFileError, folderOf, withFolder } from "./helpers.ts";

interface Kind {
  readonly name: string;
  readonly tokenizer: Record<string, unknown>;
  readonly ids: readonly (readonly number[])[];
  /** What the ids of a text decode to, where that is not the text. */
  readonly decoded: Readonly<Record<number, string>>;
  /** What they decode to without the last. */
  readonly cut: Readonly<Record<number, string>>;
}

const path = new URL("../golden/vectors/tokenizers.jsonl", import.meta.url);
const lines = Deno.readTextFileSync(path).trimEnd().split("\n").map((line) => JSON.parse(line));
const [{ texts }, ...kinds] = lines as [{ texts: readonly string[] }, ...Kind[]];

const load = (parent: string, tokenizer: Record<string, unknown>) =>
  loadTokenizer(folderOf(parent, "tokenizer", { "tokenizer.json": tokenizer }));

for (const kind of kinds) {
  Deno.test(`a tokenizer like that of ${kind.name} gives Python's ids and texts`, () =>
    withFolder((parent) => {
      const tokenizer = load(parent, kind.tokenizer);
      const decode = (ids: readonly number[]) => tokenizer.decode(ids, { skipSpecial: false });
      for (const [i, text] of texts.entries()) {
        const ids = kind.ids[i]!;
        assert.deepEqual(tokenizer.encode(text), ids, JSON.stringify(text));
        assert.equal(decode(ids), kind.decoded[i] ?? text, JSON.stringify(text));
      }
      for (const [i, text] of Object.entries(kind.cut)) {
        assert.equal(decode(kind.ids[Number(i)]!.slice(0, -1)), text);
      }
    }));
}

for (
  const [part, type] of [
    ["normalizer", "BertNormalizer"],
    ["pre_tokenizer", "Whitespace"],
    ["normalizer", "Nmt"],
  ] as const
) {
  Deno.test(`a ${type} is refused: its ids would differ from Python's`, () =>
    withFolder((parent) => {
      const { tokenizer } = kinds[0]!;
      const nested = { type: "Sequence", [`${part}s`]: [{ type }], pretokenizers: [{ type }] };
      for (const odd of [{ type }, nested]) {
        assertFileError(() => load(parent, { ...tokenizer, [part]: odd }), "tokenizer.json", type);
      }
    }));
}

Deno.test("added tokens and what lies between them make up the text", () => {
  const contents = ["<a>", "<a>b", "<", "\n\n", "b"];
  const tokens = new AddedTokens(contents.map((content, id) => [content, { id, content }]));
  const text = fc.array(fc.constantFrom(...contents, "a", ">", " ", "\n", "😀")).map((parts) =>
    parts.join("")
  );
  fc.assert(fc.property(text, (text) => {
    const pieces = tokens.split(text);
    const whole = pieces.map((piece) => "id" in piece ? contents[piece.id]! : piece.text).join("");
    assert.equal(whole, text);
    const between = pieces.filter((piece) => "text" in piece);
    assert.ok(between.every(({ text }) => contents.every((content) => !text.includes(content))));
  }));
});

Deno.test("the longest added token wins, and tokens take space and mind words as they ask", () => {
  const token = (id: number, content: string, more: Partial<AddedToken> = {}) =>
    [content, { id, content, ...more }] as const;
  const split = (text: string) =>
    new AddedTokens([
      token(0, "<a"),
      token(1, "<a>"),
      token(2, "[L]", { lstrip: true }),
      token(3, "[R]", { rstrip: true }),
      token(4, "word", { single_word: true }),
    ]).split(text).map((piece) => "id" in piece ? piece.id : piece.text);
  assert.deepEqual(split(""), []);
  assert.deepEqual(split("<a><a <"), [1, 0, " <"]);
  assert.deepEqual(split("x \u0085[L] y"), ["x", 2, " y"]);
  assert.deepEqual(split("x [R] \u0085\ufeffy"), ["x ", 3, "\ufeffy"]);
  assert.deepEqual(split("word words sword 词word word"), [4, " words sword 词word ", 4]);
});

Deno.test("a charsmap that is none is refused", () =>
  withFolder((parent) => {
    const { tokenizer } = kinds.find(({ name }) => name === "t5")!;
    for (const precompiled_charsmap of ["AAAA", "////AAAA", "no base64!"]) {
      const normalizer = { type: "Precompiled", precompiled_charsmap };
      assertFileError(() => load(parent, { ...tokenizer, normalizer }), "tokenizer.json");
    }
  }));
