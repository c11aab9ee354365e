import assert from "node:assert/strict";
import { countFaults, type Example, lengthPercentiles } from "../../src/data/mod.ts";

const of = (length: number, labels = [-100, 5]): Example => ({
  ids: new Uint32Array(length),
  labels: Int32Array.from(labels),
  origin: `rows:${length}`,
});

Deno.test("lengthPercentiles() takes the least length that so many are not above", () => {
  assert.deepEqual(lengthPercentiles([5, 3, 100].map((n) => of(n))), {
    ...{ p50: 5, p90: 100, p99: 100, longest: 100 },
  });
  const hundred = Array.from({ length: 100 }, (_, i) => of(i + 1));
  assert.deepEqual(lengthPercentiles(hundred), { p50: 50, p90: 90, p99: 99, longest: 100 });
  assert.throws(() => lengthPercentiles([]), RangeError);
});

Deno.test("countFaults() counts each fault and says where the first is", () => {
  const examples = [of(2), of(3, [-100, -100]), of(4, [-100])];
  const found = countFaults(examples, { bos: 1, ends: new Set([2]) });
  assert.deepEqual(found["unsupervised"], { rows: 2, first: "rows:3" });
  assert.deepEqual(found["double-bos"], { rows: 0, first: null });
});
