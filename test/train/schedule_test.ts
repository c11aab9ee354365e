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

// get_scheduler() of transformers 5.24, 100 steps of which 10 are warm-up, peak 1.
const TRANSFORMERS: readonly (readonly [Partial<Schedule>, Record<number, number>])[] = [
  [{ schedule: "cosine_with_restarts", cycles: 3 }, {
    ...{ 5: 0.5, 11: 0.9972609476841366, 30: 0.25, 55: 0.5, 80: 0.75, 95: 0.06698729810778087 },
    ...{ 99: 0.0027390523158632996, 100: 0 },
  }],
  [{ schedule: "polynomial", power: 2, min_lr_ratio: 0.1 }, {
    ...{ 5: 0.5, 11: 0.9801111111111112, 30: 0.6444444444444445, 55: 0.325, 99: 0.10011111111111 },
    ...{ 100: 0.1 },
  }],
  [{ schedule: "inverse_sqrt" }, {
    ...{ 5: 0.5, 11: 0.9534625892455922, 30: 0.5773502691896258, 99: 0.3178208630818641 },
  }],
  [{ schedule: "cosine", min_lr_ratio: 0.1 }, {
    ...{ 5: 0.5, 11: 0.9997258721585931, 55: 0.55, 95: 0.1068365111445064, 100: 0.1 },
  }],
  [{ schedule: "warmup_stable_decay", decay: 20, min_lr_ratio: 0.1 }, {
    ...{ 0: 0.1, 5: 0.55, 10: 1, 80: 1, 90: 0.55, 95: 0.23180194846605365, 100: 0.1 },
  }],
  [{ schedule: "warmup_stable_decay", decay: 0.2 }, { 0: 0, 5: 0.5, 79: 1, 90: 0.5, 100: 0 }],
];

Deno.test("scheduleFactor() is transformers' for every other schedule", () => {
  for (const [options, golden] of TRANSFORMERS) {
    check({ schedule: "cosine", warmup: 10, steps: 100, ...options }, golden);
  }
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
