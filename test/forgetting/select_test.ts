import assert from "node:assert/strict";
import { type Entry, Snapshots } from "../../src/forgetting/control/snapshots.ts";
import { type Candidate, select, USABLE } from "../../src/forgetting/select/select.ts";

const EPSILON = 0.02;
/** The base's loss at the task. */
const BASE = 5;

/** Candidates that forget `spent` of the budget at strength 1, and learn the more the stronger. */
function measuresOf(candidates: readonly Candidate[], best = 1) {
  const asked: string[] = [];
  const spentOf = (step: number) => candidates.find((c) => c.step === step)!.spent;
  return {
    asked,
    shifts: (step: number, strength: number) => {
      asked.push(`${step}@${strength}`);
      return Promise.resolve([
        { mean: spentOf(step) * EPSILON * strength ** 2, se: 0.001, net: 0, nll: 1 },
      ]);
    },
    task: (step: number, strength: number) =>
      Promise.resolve(2 - step / 1000 - 1 + (strength - best) ** 2),
  };
}

Deno.test("select() takes a candidate as it is where it keeps the budget", async () => {
  const candidates = [{ step: 100, spent: 0.5 }];
  const { chosen, points } = await select(candidates, [EPSILON], measuresOf(candidates), BASE);
  assert.deepEqual([chosen!.step, chosen!.strength], [100, 1]);
  assert.deepEqual(points.map(({ strength }) => strength), [1, 0.95, 0.9]);
});

Deno.test("select() takes the strongest that keeps the budget, from either side of its guess", async () => {
  for (const told of [4, 1.5, 40]) { // the snapshots's figure may be off
    const candidates = [{ step: 100, spent: 4 }];
    const measures = measuresOf(candidates);
    const { chosen, points } = await select(
      [{ step: 100, spent: told }],
      [EPSILON],
      measures,
      BASE,
    );
    const strongest = 0.45; // 4 * 0.45^2 = 0.81; 4 * 0.5^2 = 1 > 0.95
    assert.equal(chosen!.strength, strongest, `told ${told}`);
    assert.ok(points.some(({ strength, task }) => strength === 0.5 && task === null));
    assert.ok(measures.asked.length <= 14, `${measures.asked.length} measurements`);
  }
});

Deno.test("select() compares candidates by their task within the budget", async () => {
  const candidates = [{ step: 100, spent: 0.9 }, { step: 300, spent: 9 }];
  const { chosen } = await select(candidates, [EPSILON], measuresOf(candidates), BASE);
  assert.deepEqual([chosen!.step, chosen!.strength], [100, 1], "weaker steps lose what they gain");
  const weak = await select(candidates, [EPSILON], measuresOf(candidates, 0.3), BASE);
  assert.equal(weak.chosen!.step, 300);
  assert.ok(weak.chosen!.shifts[0]!.mean <= USABLE * EPSILON);
});

Deno.test("select() chooses nothing where only the base keeps the budget", async () => {
  const candidates = [{ step: 100, spent: 1e6 }];
  const { chosen, points } = await select(candidates, [EPSILON], measuresOf(candidates), BASE);
  assert.equal(chosen, null);
  assert.ok(points.every(({ task }) => task === null) && points.length > 0);
});

Deno.test("select() chooses nothing that does no better at the task than the base", async () => {
  const candidates = [{ step: 0, spent: 0 }];
  const { chosen, points } = await select(candidates, [EPSILON], measuresOf(candidates), 1);
  assert.equal(chosen, null);
  assert.ok(points.some(({ task }) => task === 1));
});

Deno.test("Archive keeps the last, the best, the last within the budget and the trade-off", () => {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const snapshots = new Snapshots(folder, [EPSILON]);
    const entry = (step: number, task: number, spent: number): Entry => {
      return { step, task, shifts: [{ mean: spent * EPSILON, se: 0, net: 0, nll: 1 }] };
    };
    const run = [
      ...[entry(0, 5, 0), entry(5, 4, 6), entry(10, 3, 4), entry(25, 2.5, 0.9), entry(50, 2, 3)],
      ...[entry(75, 2.2, 1.1), entry(100, 1.5, 2), entry(125, 1.9, 1.4), entry(150, 1.8, 1.2)],
    ];
    for (const entry of run) {
      snapshots.write(entry.step, new Uint8Array([entry.step, 0, 0, 0]));
      snapshots.add(entry);
    }
    assert.deepEqual(snapshots.entries.map(({ step }) => step), [25, 75, 100, 150]);
    assert.equal(snapshots.lastFeasible!.step, 25);
    snapshots.sweep();
    assert.equal([...Deno.readDirSync(folder)].length, 4);
    assert.deepEqual([...snapshots.read(150)], [150, 0, 0, 0]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
