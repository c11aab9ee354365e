import assert from "node:assert/strict";
import { type Entry, Snapshots } from "../../src/forgetting/control/snapshots.ts";
import { type Candidate, remembered, select, USABLE } from "../../src/forgetting/select/select.ts";

const EPSILON = 0.02;
/** The base's loss at the task. */
const AS_BASE = { task: 5 };

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
  const { chosen, points } = await select(candidates, [EPSILON], measuresOf(candidates), AS_BASE);
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
      AS_BASE,
    );
    const strongest = 0.45; // 4 * 0.45^2 = 0.81; 4 * 0.5^2 = 1 > 0.95
    assert.equal(chosen!.strength, strongest, `told ${told}`);
    assert.ok(points.some(({ strength, task }) => strength === 0.5 && task === null));
    assert.ok(measures.asked.length <= 14, `${measures.asked.length} measurements`);
  }
});

Deno.test("select() compares candidates by their task within the budget", async () => {
  const candidates = [{ step: 100, spent: 0.9 }, { step: 300, spent: 9 }];
  const { chosen } = await select(candidates, [EPSILON], measuresOf(candidates), AS_BASE);
  assert.deepEqual([chosen!.step, chosen!.strength], [100, 1], "weaker steps lose what they gain");
  const weak = await select(candidates, [EPSILON], measuresOf(candidates, 0.3), AS_BASE);
  assert.equal(weak.chosen!.step, 300);
  assert.ok(weak.chosen!.shifts[0]!.mean <= USABLE * EPSILON);
});

Deno.test("select() compares weaker strengths of the best candidate alone", async () => {
  const candidates = [{ step: 100, spent: 0.5 }, { step: 300, spent: 0.8 }, {
    step: 200,
    spent: 0.5,
  }];
  const measures = measuresOf(candidates, 0.95);
  const { chosen, points } = await select(candidates, [EPSILON], measures, AS_BASE);
  assert.deepEqual(measures.asked, ["100@1", "300@1", "200@1", "300@0.95", "300@0.9"]);
  assert.deepEqual([points.length, chosen!.step, chosen!.strength], [5, 300, 0.95]);
});

Deno.test("remembered() measures a point once, and the base once for all candidates", async () => {
  const measures = measuresOf([{ step: 100, spent: 0.5 }, { step: 200, spent: 2 }]);
  const { shifts } = remembered(measures);
  const found = [];
  for (const [step, strength] of [[100, 1], [200, 1], [100, 1], [100, 0], [200, 0], [200, 0.5]]) {
    found.push((await shifts(step!, strength!))[0]!.mean / EPSILON);
  }
  assert.deepEqual(measures.asked, ["100@1", "200@1", "100@0", "200@0.5"]);
  assert.deepEqual(found, [0.5, 2, 0.5, 0, 0, 0.5]);
});

Deno.test("select() chooses nothing where only the base keeps the budget", async () => {
  const candidates = [{ step: 100, spent: 1e6 }];
  const { chosen, points } = await select(candidates, [EPSILON], measuresOf(candidates), AS_BASE);
  assert.equal(chosen, null);
  assert.ok(points.every(({ task }) => task === null) && points.length > 0);
});

Deno.test("select() chooses nothing that does no better at the task than the base", async () => {
  const candidates = [{ step: 0, spent: 0 }];
  const { chosen, points } = await select(candidates, [EPSILON], measuresOf(candidates), {
    task: 1,
  });
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

Deno.test("select() compares by a metric where there is one, and equal values by the task's loss", async () => {
  const candidates = [{ step: 100, spent: 0.5 }, { step: 200, spent: 0.6 }, {
    step: 300,
    spent: 0.7,
  }];
  const choose = (
    better: "lower" | "higher",
    values: Readonly<Record<number, number>>,
    base: number,
  ) => {
    const value = (step: number) => Promise.resolve(values[step]!);
    const measures = { ...measuresOf(candidates), metric: { better, value } };
    return select(candidates, [EPSILON], measures, { ...AS_BASE, value: base });
  };
  const stepOf = async (...args: Parameters<typeof choose>) => (await choose(...args)).chosen?.step;
  const turning = { 100: 0.2, 200: 0.6, 300: 0.4 };
  assert.equal(await stepOf("higher", turning, 0), 200);
  assert.equal(await stepOf("lower", turning, 1), 100);
  assert.equal(await stepOf("higher", { 100: 0.6, 200: 0.6, 300: 0.4 }, 0), 200, "of less loss");
  assert.equal(await stepOf("higher", turning, 0.7), undefined, "the base is better");
  assert.equal(await stepOf("higher", { 100: 0, 200: 0, 300: 0 }, 0), 300, "by the loss alone");
  assert.equal(await stepOf("higher", { 100: NaN, 200: 0.1, 300: NaN }, 0), 200);
  const { points } = await choose("higher", turning, 0);
  assert.ok(points.every(({ step, value, task }) =>
    (task === null) === (value === undefined) &&
    (value === undefined || value === turning[step as 100])
  ));
});

Deno.test("Archive compares by a metric where there is one", () => {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const keptBy = (better: "lower" | "higher") => {
      const snapshots = new Snapshots(folder, [EPSILON], [], better);
      const values = [0.1, 0.5, 0.9, undefined, 0.7, 0.3];
      for (const [i, value] of values.entries()) {
        const shifts = [{ mean: (2 + i) * EPSILON, se: 0, net: 0, nll: 1 }];
        snapshots.add({ step: i, task: 5 - i, shifts, ...(value !== undefined && { value }) });
      }
      return snapshots.entries.map(({ step }) => step);
    };
    assert.deepEqual(keptBy("higher"), [0, 1, 2, 5]);
    assert.deepEqual(keptBy("lower"), [0, 5]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
