import assert from "node:assert/strict";
import { remainingDecay, type Schedule, scheduleFactor } from "../../src/train/schedule.ts";

function check(schedule: Schedule, golden: Record<number, number>): void {
  for (const [step, factor] of Object.entries(golden)) {
    const found = scheduleFactor(schedule, Number(step));
    assert.ok(Math.abs(found - factor) < 1e-10, `step ${step}: found ${found}, wanted ${factor}`);
  }
}

Deno.test("scheduleFactor() cosine matches the golden vector", () => {
  const golden = { 0: 0, 5: 0.5, 10: 1, 55: 0.5, 99: 3.0458649045211897e-4, 100: 0 };
  check({ schedule: "cosine", warmup: 10, steps: 100 }, golden);
  check({ schedule: "cosine", warmup: 0.1, steps: 100 }, golden);
});

Deno.test("scheduleFactor() linear falls from 1 to 0 after the warm-up", () => {
  const golden = { 0: 0, 5: 0.5, 10: 1, 55: 0.5, 99: 1 / 90, 100: 0, 200: 0 };
  check({ schedule: "linear", warmup: 10, steps: 100 }, golden);
});

Deno.test("scheduleFactor() constant stays at 1 after the warm-up", () => {
  check({ schedule: "constant", warmup: 10, steps: 100 }, { 0: 0, 9: 0.9, 10: 1, 99: 1, 200: 1 });
  check({ schedule: "constant", warmup: 0, steps: 100 }, { 0: 1, 99: 1 });
});

Deno.test("scheduleFactor() rounds a share of the steps up", () => {
  check({ schedule: "constant", warmup: 0.03, steps: 50 }, { 0: 0, 1: 0.5, 2: 1 });
});

Deno.test("scheduleFactor() lets a run of one update learn, and leaves others as they are", () => {
  for (const schedule of ["cosine", "linear", "constant"] as const) {
    for (const warmup of [0, 0.03, 0.9, 1, 10]) check({ schedule, warmup, steps: 1 }, { 0: 1 });
    check({ schedule, warmup: 0.9, steps: 2 }, { 0: 0, 1: 1 });
    check({ schedule, warmup: 0.03, steps: 2 }, { 0: 0, 1: 1 });
    check({ schedule, warmup: 2, steps: 2 }, { 0: 0, 1: 0.5 });
  }
});

Deno.test("scheduleFactor() stays finite where the warm-up takes the whole run", () => {
  check({ schedule: "cosine", warmup: 10, steps: 10 }, { 0: 0, 9: 0.9, 10: 1 });
});

Deno.test("remainingDecay() is what the schedule is yet to take of the peak", () => {
  const cosine: Schedule = { schedule: "cosine", warmup: 10, steps: 110 };
  assert.deepEqual([10, 110].map((step) => remainingDecay(cosine, step)), [1, 0]);
  assert.ok(Math.abs(remainingDecay(cosine, 60) - 0.5) < 1e-12);
  assert.equal(remainingDecay({ ...cosine, schedule: "constant" }, 50), 0);
  assert.equal(remainingDecay({ ...cosine, schedule: "constant" }, 0), 0); // it rises
});
