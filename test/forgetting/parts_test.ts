/** Which documents may be in which part, by what an adapter has had to do with them. */
import assert from "node:assert/strict";
import { type Earlier, HELD, partDocuments } from "../../src/forgetting/text/parts.ts";

const HELD_MOST = { control: 64, certificate: 256, probe: 32 };

const documents = (counts: Readonly<Record<Earlier, number>>) =>
  Object.entries(counts).flatMap(([earlier, count]) =>
    Array.from(
      { length: count },
      (_, i) => ({ text: `${earlier} ${i}`, earlier: earlier as Earlier }),
    )
  );

function partsOf(counts: Readonly<Record<Earlier, number>>, trains: boolean, held = HELD_MOST) {
  const all = documents(counts);
  const parts = partDocuments(all, { held, trains, seed: 1 });
  const indices = Object.values(parts).flat();
  assert.equal(new Set(indices).size, indices.length, "no document is in two parts");
  const count = (part: keyof typeof parts, earlier: Earlier) =>
    parts[part].filter((i) => all[i]!.earlier === earlier).length;
  return { parts, count };
}

Deno.test("what an adapter was trained on is held back for nothing, and neither certifies what controlled", () => {
  // The quickstart's text as its run has left it: 171 trained on, 64 control, 165 not touched.
  const { parts, count } = partsOf({ trained: 171, controlled: 64, fresh: 165 }, false);
  for (const part of HELD) assert.equal(count(part, "trained"), 0, part);
  for (const part of ["certificate", "probe"] as const) assert.equal(count(part, "controlled"), 0);
  assert.equal(count("control", "controlled"), 64, "it may control again");
  assert.deepEqual(HELD.map((part) => parts[part].length), [64, 133, 32]);
  assert.deepEqual(parts.train, []);
});

Deno.test("a run that goes on with an adapter trains on what that was trained on, again", () => {
  const { parts, count } = partsOf({ trained: 171, controlled: 64, fresh: 165 }, true);
  assert.equal(count("train", "trained"), 171);
  assert.deepEqual(HELD.map((part) => parts[part].length), [64, 133, 32]);
  for (const part of HELD) assert.equal(count(part, "trained"), 0, part);
  assert.equal(count("certificate", "controlled") + count("probe", "controlled"), 0);
});

Deno.test("what controlled before and is too little is filled up by what is fresh", () => {
  const { parts, count } = partsOf({ trained: 0, controlled: 4, fresh: 96 }, false);
  assert.deepEqual(HELD.map((part) => parts[part].length), [33, 51, 16]);
  assert.equal(count("control", "controlled"), 4);
});

Deno.test("parts of fresh documents are shares of them, and none without any", () => {
  const { parts } = partsOf({ trained: 0, controlled: 0, fresh: 48 }, true);
  assert.deepEqual([...HELD, "train" as const].map((part) => parts[part].length), [8, 16, 4, 20]);
  const none = partsOf({ trained: 30, controlled: 0, fresh: 0 }, false).parts;
  assert.deepEqual(HELD.map((part) => none[part].length), [0, 0, 0]);
});
