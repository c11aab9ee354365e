/** Certificates by draws of documents: how they are drawn, judged and counted. */
import assert from "node:assert/strict";
import { STRENGTHS } from "../../src/forgetting/select/strength.ts";
import { ConfigError } from "../../src/errors.ts";
import { counted, type Rise, riseOf } from "../../src/forgetting/rises.ts";
import { normal } from "../../src/random.ts";
import type { Score } from "../../src/studies/forgetting/cell.ts";
import {
  certifyResamples,
  distinctOf,
  plantAs,
  type Resampled,
} from "../../src/studies/forgetting/resampling.ts";
import { drawnTables } from "../../src/studies/forgetting/resampled_table.ts";

const EPSILON = Math.log1p(0.02);
const draws = { count: 2, control: 16, certificate: 48, deltas: [0.05, 0.2] };

/** Documents of 40 tokens that rise by so many nats a token, a third more or less. */
const risesOf = (mean: number, count = 140): Rise[] =>
  Array.from(
    { length: count },
    (_, i) => riseOf(Float32Array.from({ length: 40 }, () => mean * (1 + normal(3, 0, i) / 3))),
  );

/** A run whose rise grows with the square of the strength, and the strengths that were asked for. */
function runOf(mean: number) {
  const measured: number[] = [];
  const from = {
    pool: Array.from({ length: 140 }, (_, i) => i),
    steps: [20],
    strengths: STRENGTHS,
    seed: 5,
    measures: {
      task: (_step: number, strength: number) => Promise.resolve(3 - strength),
      shifts: () => assert.fail("those of the run's own control text"),
    },
    rises: (_step: number, strength: number) => {
      measured.push(strength);
      const documents = risesOf(mean * strength ** 2);
      return Promise.resolve({ ...counted(documents), documents, nll: 1 });
    },
  };
  return { from, measured };
}

Deno.test("certifyResamples() chooses and certifies by each draw, and judges by what it has left", async () => {
  const found = await certifyResamples(EPSILON, draws, runOf(2 * EPSILON).from);
  assert.deepEqual(found.map(({ draw, delta }) => [draw, delta]), [
    ...[[0, 0.05], [0, 0.2]],
    ...[[1, 0.05], [1, 0.2]],
  ]);
  for (const { strength, upper, claimed, whole, unused, step } of found) {
    assert.equal(step, 20);
    assert.ok(strength > 0.3 && strength < Math.SQRT1_2, `the budget is at 0.707, not ${strength}`);
    assert.ok(upper! <= EPSILON && upper! > claimed!);
    const rest = counted(unused.map((i) => risesOf(2 * EPSILON * strength ** 2)[i]!)).mean;
    assert.ok(Math.abs(whole! - rest) < 1e-9);
    assert.equal(unused.length, 140 - 16 - 48);
  }
  const [one, , other] = found;
  assert.notDeepEqual(one!.unused, other!.unused);
  const again = await certifyResamples(EPSILON, draws, runOf(2 * EPSILON).from);
  assert.deepEqual(again, found);
});

Deno.test("certifyResamples() leaves the base where nothing else keeps the budget", async () => {
  const found = await certifyResamples(EPSILON, draws, runOf(900 * EPSILON).from);
  for (const { strength, upper, claimed } of found) {
    assert.deepEqual([strength, upper, claimed], [0, null, null]);
  }
});

Deno.test("distinctOf() leaves out documents that repeat others, and refuses too few", () => {
  const text = (i: number) => Array.from({ length: 12 }, (_, k) => `${i * 31 + k}`).join(" ");
  const documentsOf = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      ...{ kind: "spans" as const, origin: "toy" },
      spans: [{ text: text(i === 7 ? 3 : i), supervised: true, eos: false }],
    }));
  const pool = distinctOf(documentsOf(140), draws);
  assert.deepEqual([pool.length, pool.includes(3), pool.includes(7)], [139, true, false]);
  assert.throws(
    () => distinctOf(documentsOf(128), draws),
    (fault) =>
      fault instanceof ConfigError && /^test\.draws: found 127 documents/.test(fault.message),
  );
});

Deno.test("plantAs() scales a run's rises above the budget, and few pass", () => {
  const options = { ...draws, tries: 40, delta: 0.05, seed: 1 };
  const { missed, missed_whole, certified } = plantAs(risesOf(1), EPSILON, options)!;
  // More than 6 of 40 at 3.3 % has a probability of 0.0004.
  for (const count of [missed, missed_whole, certified]) assert.ok(count <= 6, `${count}`);
  assert.equal(plantAs(risesOf(0), EPSILON, options), null, "nothing has risen");
  // All that rises is in one document, which most draws do not have.
  const hidden = [...risesOf(0, 139), riseOf(new Float32Array(40).fill(1))];
  const rare = plantAs(hidden, EPSILON, options)!;
  assert.ok(rare.missed_whole > 20, "counted whole, which is not claimed");
  assert.ok(rare.missed <= 6 && rare.certified <= 6, "as it is claimed");
});

Deno.test("drawnTables() counts certificates, and runs in which any was over", () => {
  const arms = [
    { name: "guard", isControlled: true, train: {}, guard: {}, tokens: 1 },
    { name: "none", isControlled: false, train: {}, guard: {}, tokens: 1 },
  ];
  const drawn = (share: number): Resampled => ({
    ...{ draw: 0, delta: 0.05, step: 20, strength: share > 0 ? 0.5 : 0, unused: [] },
    ...{ upper: 0.9 * EPSILON, limit: 3, se: 0.001 },
    ...{ claimed: share * EPSILON, whole: (share + 0.05) * EPSILON },
  });
  const score = (arm: string, budget: number, shares: number[]) => ({
    ...{ arm, budget, seed: 1, epsilon: EPSILON, drawn: shares.map(drawn) },
    planted: { tries: 10, delta: 0.05, certified: 1, missed: 0, missed_whole: 2 },
  } as unknown as Score);
  const scores = [
    score("guard", 2, [0.5, 0.97]),
    score("guard", 5, [0.6]),
    score("none", 2, [1.2, 0]),
    score("none", 5, [0.5]),
  ];
  const [table, planted] = drawnTables(scores, { arms, budgets: [2, 5] });
  assert.deepEqual(table!.rows, [
    ["95 %, ppl:2%", "4", "3", "1", "2", "2", "2", "1", "97.5 %"],
    ["95 %, ppl:5%", "2", "2", "0", "0", "0", "2", "0", "77.6 %"],
    ["95 %, all", "6", "5", "1", "2", "2", "3", "1", "86.5 %"],
  ]);
  assert.deepEqual(planted!.rows, [["4", "40", "10.0 (10.0)", "0.0 (0.0)", "20.0 (20.0)"]]);
  assert.deepEqual(
    drawnTables(scores.map((of) => ({ ...of, drawn: [] })), { arms, budgets: [2] }),
    [],
  );
});
