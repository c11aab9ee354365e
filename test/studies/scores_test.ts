/** Scores over tasks, and whether their intervals hold as often as is said. */
import assert from "node:assert/strict";
import { FileError } from "../../src/errors.ts";
import { normal } from "../../src/random.ts";
import {
  differences,
  estimate,
  type RowScores,
  rowScores,
  scored,
} from "../../src/studies/trials/scores.ts";
import type { Tried } from "../../src/studies/trials/trial.ts";

const scoresOf = (tasks: Record<string, number[]>): RowScores =>
  new Map(Object.entries(tasks).map(([name, of]) => [name, new Map(of.entries())]));

Deno.test("a score is the mean of the tasks' means, its interval over rows within each", () => {
  const found = estimate(scoresOf({ a: [0, 1], b: [4, 4, 4, 4], c: [] }))!;
  assert.equal(found.mean, (0.5 + 4) / 2);
  assert.deepEqual([found.low, found.high], [2, 2.5], "b has one value, a two");
  assert.equal(estimate(scoresOf({ a: [] })), null);
  assert.throws(() => scored(scoresOf({ a: [] })), FileError);
});

Deno.test("rows are means over phrasings and seeds; differences are of rows that both have", () => {
  const trial = (a: number, b: number): Tried => ({
    loss: null,
    tasks: {
      t: {
        left_out: 0,
        answers: [[0, "x", a], [0, "y", b], [1, "x", 5]].map(([row, phrasing, score]) => ({
          ...{ row: row as number, phrasing: phrasing as string, output: "", reference: "" },
          scores: { m: score as number },
        })),
      },
    },
  });
  const rows = rowScores([trial(1, 2), trial(3, 4)], { metric: "m" });
  assert.deepEqual([...rows.get("t")!], [[0, 2.5], [1, 5]]);
  const only = rowScores([trial(1, 2)], {
    metric: "m",
    counts: ({ phrasing }) => phrasing === "y",
  });
  assert.deepEqual([...only.get("t")!], [[0, 2]]);
  assert.deepEqual([...differences(only, rows).get("t")!], [[0, 0.5]]);
});

Deno.test("intervals hold the truth about as often as they say", () => {
  const tries = 100;
  let held = 0;
  for (let t = 0; t < tries; t++) {
    const rows = (task: number) => Array.from({ length: 12 }, (_, i) => normal(t, task, i));
    const { low, high } = estimate(scoresOf({ a: rows(0), b: rows(1), c: rows(2) }), t)!;
    if (low <= 0 && high >= 0) held++;
  }
  assert.ok(held >= 86 && held <= 99, `${held} of ${tries}`);
});
