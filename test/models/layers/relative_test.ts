/** Buckets of relative positions against transformers: see test/golden/make_golden.py. */
import assert from "node:assert/strict";
import { type Buckets, bucketTable } from "../../../src/models/layers/relative.ts";

interface Recorded extends Buckets {
  readonly span: number;
  /** Where each run of distances with one bucket begins. */
  readonly starts: readonly [distance: number, bucket: number][];
}

const file = new URL("../../golden/vectors/buckets.json", import.meta.url);
const recorded: Recorded[] = JSON.parse(Deno.readTextFileSync(file));

for (const { span, starts, ...buckets } of recorded) {
  Deno.test(`bucketTable() of ${JSON.stringify(buckets)} equals that of transformers`, () => {
    const expected = new Uint32Array(2 * span);
    for (const [distance, bucket] of starts) expected.fill(bucket, span + distance);
    assert.deepEqual(bucketTable(span, buckets), expected);
  });
}
