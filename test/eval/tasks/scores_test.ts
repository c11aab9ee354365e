import assert from "node:assert/strict";
import {
  compare,
  interval,
  type ScoredRow,
  signTest,
  summarise,
} from "../../../src/eval/tasks/scores.ts";
import { noise } from "../../harness.ts";

const rowsOf = (scores: readonly number[], phrasing = ""): ScoredRow[] =>
  scores.map((score, row) => ({ row, phrasing, score }));

Deno.test("a score is the mean over rows of the means over prompts", () => {
  const scored = [...rowsOf([1, 0, 1, 1], "a"), ...rowsOf([1, 0, 0, 0], "b")];
  const { mean, prompts, worst, best, spread } = summarise(scored, 0);
  assert.equal(mean, 0.5);
  assert.deepEqual({ prompts, worst, best, spread }, {
    prompts: { a: 0.75, b: 0.25 },
    worst: 0.25,
    best: 0.75,
    spread: 0.5,
  });
  assert.ok(!("prompts" in summarise(rowsOf([1, 0]), 0)));
  // A row that one prompt says nothing of counts by the other alone.
  assert.equal(summarise([...rowsOf([1, 1], "a"), ...rowsOf([0], "b")], 0).mean, 0.75);
});

Deno.test("two models are compared row by row, in whatever order they answered", () => {
  const before = rowsOf([0, 1, 1, 0, 0.5]);
  const after = rowsOf([1, 1, 0, 1, 0.5]).reverse();
  const { difference, wins, losses, ties, p, interval: [low, high] } = compare(before, after, 1);
  assert.ok(Math.abs(difference - 0.2) < 1e-12);
  assert.deepEqual({ wins, losses, ties, p }, { wins: 2, losses: 1, ties: 2, p: 1 });
  assert.ok(low < 0.2 && high > 0.2);
});

Deno.test("what is kept is that which the first scores on, and the second no less", () => {
  const kept = (before: readonly number[], after: readonly number[]) =>
    compare(rowsOf(before), rowsOf(after), 1).kept;
  assert.equal(kept([0, 1, 1, 0, 0.5], [1, 1, 0, 1, 0.6]), 2 / 3);
  assert.equal(kept([1, 0.5], [1, 0.4]), 0.5);
  assert.equal(kept([0, 0], [1, 1]), null, "there is nothing to keep");
});

Deno.test("an interval is that of a normal mean where there are many rows, and is seeded", () => {
  const values = [...noise(400, 3)]; // uniform in [-1, 1): sigma of the mean is 1 / sqrt(1200)
  const mean = values.reduce((a, b) => a + b) / values.length;
  const [low, high] = interval(values, 5);
  const half = 1.96 * Math.sqrt(1 / 3 / values.length);
  assert.ok(Math.abs(mean - low - half) < 0.05 * half, `${mean - low}, not ${half}`);
  assert.ok(Math.abs(high - mean - half) < 0.05 * half, `${high - mean}, not ${half}`);
  assert.deepEqual(interval(values, 5), [low, high]);
  assert.notDeepEqual(interval(values, 6), [low, high]);
  assert.deepEqual(interval([0.5, 0.5], 1), [0.5, 0.5]);
});

Deno.test("the sign test is the exact binomial one", () => {
  const table: [wins: number, losses: number, p: number][] = [
    [0, 0, 1],
    [3, 3, 1],
    [5, 0, 2 / 32],
    [1, 7, 18 / 256],
    [12, 4, 2 * (1 + 16 + 120 + 560 + 1820) / 65536],
  ];
  for (const [wins, losses, p] of table) {
    assert.ok(Math.abs(signTest(wins, losses) - p) < 1e-12, `${wins}, ${losses}`);
  }
  assert.ok(signTest(2000, 1000) < 1e-60);
});
