import assert from "node:assert/strict";
import fc from "fast-check";
import { Bands } from "../../../src/curate/lists/bands.ts";
import { BANDS } from "../../../src/curate/minhash.ts";
import { hash } from "../../../src/random.ts";

/** Keys of which only those at some bands are one of few. */
const keysOf = (text: number, few: readonly number[]) =>
  Uint32Array.from({ length: BANDS }, (_, band) => few[band] ?? hash(text, [band]));

Deno.test("likelyPairs() is all pairs with a key in common, each once (property)", () => {
  const few = fc.array(fc.nat(2), { maxLength: BANDS });
  fc.assert(
    fc.property(fc.array(few, { maxLength: 14 }), (specs) => {
      using bands = new Bands();
      for (const [i, few] of specs.entries()) bands.push(10 * i, keysOf(i, few));
      const wanted = specs.flatMap((a, i) =>
        specs.slice(0, i).flatMap((b, j) =>
          a.some((key, k) => key === b[k]) ? [[10 * i, 10 * j]] : []
        )
      );
      const found = [...bands.likelyPairs(() => false)];
      assert.deepEqual(found.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]), wanted);
    }),
  );
});

Deno.test("likelyPairs() compares with 16 of a group and 256 in all at most", () => {
  const count = 5000; // more than the rows of keys that are read at once
  const same = Array<number>(BANDS).fill(7);
  const others = (joins: boolean) => {
    using bands = new Bands();
    for (let i = 0; i < count; i++) bands.push(i, keysOf(0, same));
    const last = count - 1;
    const group = new Set([0]);
    let [compared, ofLast] = [0, 0];
    for (const [i] of bands.likelyPairs((i, j) => group.has(i) && group.has(j))) {
      compared++;
      if (i === last) ofLast++;
      else if (joins) group.add(i);
    }
    return [compared, ofLast];
  };
  assert.deepEqual(others(true), [count - 2 + 16, 16]);
  assert.deepEqual(others(false), [256 * 255 / 2 + (count - 256) * 256, 256], "all are alone");
});
