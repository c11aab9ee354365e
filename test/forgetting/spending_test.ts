/** What attempts on the same documents spend, by what can be worked out and by chance. */
import assert from "node:assert/strict";
import { levelAfter } from "../../src/forgetting/select/spending.ts";
import { random } from "../../src/random.ts";

const DELTA = 0.05;

Deno.test("levels add up to delta, and the first has two thirds of it", () => {
  const levels = Array.from({ length: 40 }, (_, failed) => levelAfter(failed, DELTA));
  assert.ok(Math.abs(levels.reduce((sum, level) => sum + level, 0) - DELTA) < 1e-12);
  assert.equal(levels[0], DELTA * 2 / 3);
  assert.ok(levels.every((level, i) => i === 0 || level < levels[i - 1]!));
});

/** The share of tries in which some attempt that should fail passes at its level. */
function falselyPassed(levelOf: (failed: number, attempt: number) => number): number {
  const tries = 20_000;
  let wrong = 0;
  for (let t = 0; t < tries; t++) {
    let [failed, isWrong] = [0, false];
    for (let attempt = 0; attempt < 12; attempt++) {
      // Every third adapter keeps its budget, and passes four times in five; the others are at its edge.
      const isGood = attempt % 3 === 1;
      const level = levelOf(failed, attempt);
      const passes = isGood ? random(t, attempt, 1) < 0.8 : random(t, attempt, 2) < level;
      isWrong ||= passes && !isGood;
      failed += passes ? 0 : 1;
    }
    wrong += +isWrong;
  }
  return wrong / tries;
}

Deno.test("many attempts pass wrongly no more often than delta says, where they are counted", () => {
  const counted = falselyPassed((failed) => levelAfter(failed, DELTA));
  // Its standard error at 5 % is 0.0015.
  assert.ok(counted < DELTA + 0.005, `counted ${counted}`);
  assert.ok(falselyPassed(() => DELTA) > 0.3, "eight chances of one in twenty");
});
