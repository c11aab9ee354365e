import assert from "node:assert/strict";
import { type Example, Inspection, type RowTokenizer } from "../../../src/data/mod.ts";

const tokenizer: RowTokenizer = { encode: () => [7, 8], bos: 1, eos: 2 };
const of = (length: number, labels = [-100, 5]): Example => ({
  ids: new Uint32Array(length),
  labels: Int32Array.from(labels),
  origin: `rows:${length}`,
});

function inspected(examples: readonly Example[], limit = Infinity) {
  const inspection = new Inspection(tokenizer, { limit });
  const given = { rows: 0, tokens: 0, supervised: 0 };
  for (const example of examples) inspection.add(example, "drop", given);
  return { inspection, given };
}

Deno.test("Inspection: a length is the least that so many are not above", () => {
  const lengths = (examples: readonly Example[]) => inspected(examples).inspection.lengths;
  assert.deepEqual(lengths([5, 3, 100].map((n) => of(n))), {
    ...{ p50: 5, p90: 100, p99: 100, longest: 100 },
  });
  const hundred = Array.from({ length: 100 }, (_, i) => of(i + 1));
  assert.deepEqual(lengths(hundred), { p50: 50, p90: 90, p99: 99, longest: 100 });
  assert.throws(() => lengths([]), RangeError);
});

Deno.test("Inspection counts each fault and says where the first is", () => {
  const { inspection } = inspected([of(2), of(3, [-100, -100]), of(4, [-100])]);
  assert.deepEqual(inspection.faults["unsupervised"], { rows: 2, first: "rows:3" });
  assert.deepEqual(inspection.faults["double-bos"], { rows: 0, first: null });
});

Deno.test("Inspection counts what training gets, what is left out, and text without an end", () => {
  const { inspection, given } = inspected([of(2), of(9), of(3, [-100, 2, 2])], 8);
  assert.deepEqual(given, { rows: 2, tokens: 5, supervised: 3 });
  assert.deepEqual([inspection.tooLong, inspection.cut, inspection.endless], [1, 0, 2]);
});
