import assert from "node:assert/strict";
import fc from "fast-check";
import { firstsOfSame, TextIndex } from "../../../src/curate/lists/buckets.ts";
import { DiskList } from "../../../src/io/store/disk_list.ts";
import { mapped, remembered, selected } from "../../../src/curate/lists/list.ts";
import { NumberPairs } from "../../../src/curate/lists/number_pairs.ts";
import { hashText } from "../../../src/curate/words.ts";

Deno.test("DiskList gives back values of any size, in any order, while more are to come (property)", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.nat(100_000).map((n) => "é".repeat(n)));
  const value = fc.tuple(text, fc.constantFrom("\ud800", "a"), fc.constant(null));
  fc.assert(
    fc.property(fc.array(fc.tuple(value, fc.nat()), { maxLength: 20 }), (specs) => {
      using list = new DiskList<typeof specs[0][0]>();
      for (const [i, [value, look]] of specs.entries()) {
        list.push(value);
        assert.deepEqual(list.at(look % (i + 1)), specs[look % (i + 1)]![0]);
      }
      assert.equal(list.length, specs.length);
      assert.equal(list.at(specs.length), undefined);
      assert.deepEqual([...list], specs.map(([value]) => value));
    }),
    { numRuns: 20 },
  );
});

Deno.test("mapped() and selected() make an item when it is asked for", () => {
  let made = 0;
  const list = mapped(["a", "b", "c"], (item, i) => (made++, item + i));
  const some = selected(list, Uint32Array.of(2, 0));
  assert.deepEqual([some.length, made], [2, 0]);
  assert.deepEqual([some.at(0), some.at(2), list.at(3), made], ["c2", undefined, undefined, 1]);
  assert.deepEqual([...some, ...some], ["c2", "a0", "c2", "a0"]);
});

Deno.test("remembered() makes an item again only after so many others", () => {
  const made: number[] = [];
  const list = remembered(mapped([7, 8, 9], (item, i) => (made.push(i), item)), 2);
  assert.deepEqual([0, 1, 0, 2, 1, 0, 3].map((i) => list.at(i)), [7, 8, 7, 9, 8, 7, undefined]);
  assert.deepEqual(made, [0, 1, 2, 0]);
});

Deno.test("NumberPairs sorts by the first number, then the second, both unsigned (property)", () => {
  const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(fc.array(fc.tuple(number, number)), fc.array(fc.boolean()), (given, wanted) => {
      const pairs = new NumberPairs(given.length + 3);
      for (const [first, second] of given) pairs.put(first, second);
      const found = () =>
        Array.from({ length: pairs.length }, (_, i) => [pairs.firstAt(i), pairs.secondAt(i)]);
      assert.deepEqual(found(), given);
      pairs.sort();
      const sorted = given.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
      assert.deepEqual(found(), sorted);
      pairs.keep((i) => wanted[i] ?? true);
      assert.deepEqual(found(), sorted.filter((_, i) => wanted[i] ?? true));
    }),
  );
});

/** Texts that are all different, and of which some have the same 32-bit hash. */
const COLLIDING = Array.from({ length: 150_000 }, (_, i) => `text ${i}`);

Deno.test("firstsOfSame() and TextIndex verify equal hashes on the texts", () => {
  const hashes = new Set(COLLIDING.map((text) => hashText(text)));
  assert.ok(hashes.size < COLLIDING.length, "some collide");
  assert.ok(firstsOfSame(COLLIDING).every((first, i) => first === i));
  const half = COLLIDING.length / 2;
  const twice = [...COLLIDING.slice(half), ...COLLIDING];
  const firsts = firstsOfSame(twice);
  assert.ok(firsts.every((first, i) => first === (i < 2 * half ? i : i - 2 * half)));
  const index = new TextIndex(twice);
  assert.ok(COLLIDING.every((text, i) => index.find(text) === (i < half ? i + half : i - half)));
  assert.equal(index.find("text"), undefined);
});

Deno.test("firstsOfSame() names the first of each text (property)", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("", "a", "b", "ab")), (texts) => {
      assert.deepEqual([...firstsOfSame(texts)], texts.map((text) => texts.indexOf(text)));
    }),
  );
});
