/** The formula by which many ranks are foretold. */
import assert from "node:assert/strict";
import { meanOfLargest, sumSeconds, updateSeconds } from "../../src/distributed/simulation.ts";

const NET = { alpha: 2e-5, overhead: 1e-6, beta: 1.25e9, gamma: 2.5e9 };

Deno.test("a sum takes its messages, its bytes and its additions", () => {
  // Of 8 MB each of 4 ranks sends 3 parts of 2 MB twice, in 8 pieces, and adds three of them to its own.
  const wanted = 8 * (6 * 2e-5 + 1e-6) + 12e6 / 1.25e9 + 6e6 / 2.5e9;
  assert.ok(Math.abs(sumSeconds(4, 8e6, NET) - wanted) < 1e-12);
  assert.equal(sumSeconds(1, 8e6, NET), 0);
  // One piece is one round there and one back.
  assert.ok(Math.abs(sumSeconds(3, 12, NET) - (4 * 2e-5 + 1e-6 + 16 / 1.25e9 + 8 / 2.5e9)) < 1e-15);
});

Deno.test("more ranks, bytes and spread take longer", () => {
  const work = { compute: 1, spread: 0.03, wait: 0.02, bus: 1e9, bytes: 1e7 };
  const seconds = [1, 2, 64, 4096].map((n) => updateSeconds(n, work, NET));
  assert.deepEqual(seconds, seconds.toSorted((a, b) => a - b));
  assert.equal(seconds[0], 1);
  assert.ok(updateSeconds(2, { ...work, bytes: 1e8 }, NET) > seconds[1]!);
  assert.ok(updateSeconds(2, { ...work, spread: 0.1 }, NET) > seconds[1]!);
  const slow = { alpha: 1e-4, overhead: 1e-5, beta: 1.25e7, gamma: 1e9 };
  const rounds = (local?: number) =>
    updateSeconds(8, { ...work, bytes: 1e8, ...(local && { local }) }, slow);
  assert.ok(rounds(1) > rounds() && rounds(20) < rounds() / 3);
});

Deno.test("the largest of n normal numbers", () => {
  // 1 / sqrt(pi), 3 / (2 sqrt(pi)), and a table of order statistics (Harter, 1961).
  const known = [[1, 0], [2, 0.56419], [3, 0.84628], [8, 1.4236], [100, 2.5076]] as const;
  for (const [n, wanted] of known) assert.ok(Math.abs(meanOfLargest(n) - wanted) < 5e-4, `${n}`);
});
