import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError } from "../../../src/errors.ts";
import { split } from "../../../src/data/mod.ts";

const shares = { train: 0.5, control: 0.3, certificate: 0.2 };
const texts = Array.from({ length: 1000 }, (_, i) => `text ${i}`);

Deno.test("split: parts are disjoint, whole and of the sizes asked for", () => {
  const parts = split(texts, shares, 3);
  assert.deepEqual(Object.keys(parts), Object.keys(shares));
  assert.deepEqual(Object.values(parts).map((part) => part.length), [500, 300, 200]);
  assert.deepEqual(Object.values(parts).flat().sort((a, b) => a - b), texts.map((_, i) => i));
});

Deno.test("split: by the seed and the texts, not by their order", () => {
  const textsOf = (source: string[], seed: number) =>
    split(source, shares, seed).train!.map((i) => source[i]).sort();
  assert.deepEqual(textsOf(texts.toReversed(), 3), textsOf(texts, 3));
  assert.notDeepEqual(textsOf(texts, 4), textsOf(texts, 3));
});

Deno.test("split: at random, not in blocks", () => {
  const { train } = split(texts, shares, 3);
  const firstHalf = train!.filter((i) => i < 500).length;
  assert.ok(firstHalf > 200 && firstHalf < 300, `${firstHalf} of the first 500`);
});

Deno.test("split: the same text, white space aside, is in one part only", () => {
  const words = fc.array(fc.constantFrom("a", "b", "a b", " a  b\n", "c", "c "), { maxLength: 60 });
  fc.assert(fc.property(words, fc.integer(), (source, seed) => {
    const partOf = new Map<string, string>();
    for (const [name, part] of Object.entries(split(source, shares, seed))) {
      for (const i of part) {
        const key = source[i]!.trim().replace(/\s+/g, " ");
        assert.equal(partOf.get(key) ?? name, name);
        partOf.set(key, name);
      }
    }
  }));
});

Deno.test("split: shares must be positive and add up to 1", () => {
  assert.throws(() => split(texts, { train: 0.6, held: 0.5 }, 0), ConfigError);
  assert.throws(() => split(texts, { train: 1, held: 0 }, 0), ConfigError);
  assert.throws(() => split(texts, {}, 0), ConfigError);
});
