import assert from "node:assert/strict";
import fc from "fast-check";
import {
  bandKeys,
  BANDS,
  jaccardIndex,
  LSH_THRESHOLD,
  ROWS,
  SIGNATURE,
  signature,
  sketchOf,
} from "../../src/curate/minhash.ts";
import {
  jaccard,
  nearDuplicates as typedNearDuplicates,
} from "../../src/curate/near_duplicates.ts";
import { ngrams, words } from "../../src/curate/words.ts";
import { hash, random } from "../../src/random.ts";
import { counted } from "./rows.ts";

const nearDuplicates = (...args: Parameters<typeof typedNearDuplicates>) => [
  ...typedNearDuplicates(...args),
];

Deno.test("words() takes runs of letters and digits in lower case, and each character of Han", () => {
  assert.deepEqual(words("It's 3.5 KG, naïve_Ω!"), ["it", "s", "3", "5", "kg", "naïve", "ω"]);
  assert.deepEqual(words("GPT 模型ok"), ["gpt", "模", "型", "ok"]);
  assert.deepEqual(words(" ,.! "), []);
  assert.deepEqual(ngrams(["a", "b", "c"], 2), ["a b", "b c"]);
  assert.deepEqual(ngrams(["a", "b"], 5), ["a b"]);
  assert.deepEqual(ngrams([], 5), []);
});

Deno.test("16 bands of 8 hashes find half of the pairs near (1/16)^(1/8) = 0.7071", () => {
  assert.deepEqual([BANDS, ROWS, SIGNATURE], [16, 8, 128]);
  assert.ok(Math.abs(LSH_THRESHOLD - Math.SQRT1_2) < 1e-12);
});

Deno.test("hashes of a signature agree as often as the Jaccard index of the sets says", () => {
  for (const [shared, apart] of [[10, 90], [50, 50], [80, 20], [90, 10]] as const) {
    let [agreeing, alike, found] = [0, 0, 0];
    const pairs = 200;
    for (let pair = 0; pair < pairs; pair++) {
      // Two sets of shared + apart / 2 elements: their union has shared + apart = 100.
      const element = (i: number) => hash(pair, [i]);
      const set = (begin: number) => [
        ...Array.from({ length: shared }, (_, i) => element(i)),
        ...Array.from({ length: apart / 2 }, (_, i) => element(begin + i)),
      ];
      const [a, b] = [signature(set(1000)), signature(set(2000))];
      agreeing += a.filter((least, i) => least === b[i]).length;
      alike += jaccardIndex(sketchOf(set(1000)), sketchOf(set(2000)));
      const keys = bandKeys(b);
      if (bandKeys(a).some((key, band) => key === keys[band])) found++;
    }
    const j = shared / 100;
    const deviation = Math.sqrt(j * (1 - j) / (pairs * SIGNATURE));
    assert.ok(Math.abs(agreeing / (pairs * SIGNATURE) - j) < 5 * deviation, `${j}`);
    const same = j + (1 - j) / 4;
    const bits = 4 / 3 * Math.sqrt(same * (1 - same) / (pairs * SIGNATURE));
    assert.ok(Math.abs(alike / pairs - j) < 5 * bits, `sketches: ${alike / pairs} at ${j}`);
    const chance = 1 - (1 - j ** ROWS) ** BANDS;
    const spread = Math.sqrt(chance * (1 - chance) / pairs) + 0.005;
    assert.ok(Math.abs(found / pairs - chance) < 4 * spread, `${found} of ${pairs} at ${j}`);
  }
});

Deno.test("jaccard() by hand", () => {
  assert.equal(jaccard(new Set("abcd"), new Set("bcde")), 3 / 5);
  assert.equal(jaccard(new Set(), new Set()), 1);
  assert.equal(jaccard(new Set("a"), new Set()), 0);
});

Deno.test("nearDuplicates() joins from a Jaccard index of 0.8 on, counted by hand", () => {
  // 44 words have 40 shingles; one more word at the end adds one, so 40 of 40 + n are shared.
  const text = counted(0, 44);
  const more = (n: number) => `${text} ${counted(100, 100 + n)}`;
  assert.deepEqual(nearDuplicates([text, more(1)]), [0, 0]); // 40 / 41
  assert.deepEqual(nearDuplicates([text, more(10)], { threshold: 40 / 50 }), [0, 0]);
  assert.deepEqual(nearDuplicates([text, more(10)], { threshold: 40 / 50 + 1e-9 }), [0, 1]);
  assert.deepEqual(nearDuplicates([text, more(11)]), [0, 1]); // 40 / 51
  const other = (threshold: number) => () => nearDuplicates([text], { threshold });
  for (const threshold of [LSH_THRESHOLD, 1.01, NaN]) assert.throws(other(threshold), RangeError);
});

Deno.test("nearDuplicates() sees neither case nor punctuation, but a word in a short text", () => {
  const texts = ["The cat sat.", "the  cat, SAT", "the cat ran", "", " ", "", "...", "cat"];
  assert.deepEqual(nearDuplicates(texts), [0, 0, 2, 3, 4, 3, 6, 7]);
});

Deno.test("nearDuplicates() puts what is near to a member into its group, whatever the order", () => {
  const [a, b, c] = [counted(0, 48), counted(4, 52), counted(8, 56)];
  // a and b share 40 of 48 shingles, so do b and c; a and c share 36 of 52.
  assert.deepEqual(nearDuplicates([a, "else", c]), [0, 1, 2]);
  assert.deepEqual(nearDuplicates([a, "else", c, b]), [0, 1, 0, 0]);
  assert.deepEqual(nearDuplicates([c, a, b, "else"]), [0, 0, 0, 3]);
});

Deno.test("nearDuplicates() finds what comparing all pairs finds (property)", () => {
  const text = fc.record({ base: fc.nat(4), edits: fc.array(fc.nat(59), { maxLength: 4 }) });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), (specs) => {
      const texts = specs.map(({ base, edits }) => {
        const own = Array.from({ length: 60 }, (_, i) => `b${base}w${i}`);
        for (const edit of edits) own[edit] = "edited";
        return own.join(" ");
      });
      const shingles = texts.map((text) => new Set(ngrams(words(text), 5)));
      const found = nearDuplicates(texts);
      found.forEach((first, i) => {
        assert.ok(first <= i && found[first] === first);
        for (let j = 0; j < i; j++) {
          const index = jaccard(shingles[i]!, shingles[j]!);
          if (index >= 0.9) assert.equal(found[j], first);
          if (specs[i]!.base !== specs[j]!.base) assert.notEqual(found[j], first);
        }
      });
    }),
    { numRuns: 200 },
  );
});

Deno.test("nearDuplicates() takes thousands of copies of one text in its stride", () => {
  const words = Array.from({ length: 60 }, (_, i) => `w${Math.floor(random(1, i) * 1e6)}`);
  const texts = Array.from({ length: 3000 }, (_, i) => `${words.join(" ")} ${i}`);
  assert.ok(nearDuplicates(texts).every((first) => first === 0));
});
