import assert from "node:assert/strict";
import { certify, ladder } from "../../src/forgetting/ship/certify.ts";
import { upperBound } from "../../src/forgetting/statistics.ts";
import { random } from "../../src/random.ts";

const OPTIONS = { delta: 0.05, strict: false };

/** Shifts of documents whose mean grows with the square of the strength. */
const shiftsOf = (mean: number, count: number, seed = 1) => (strength: number) =>
  Promise.resolve([
    Array.from(
      { length: count },
      (_, i) => strength ** 2 * (mean + 0.04 * (random(seed, i) - 0.5)),
    ),
  ]);

Deno.test("certify() ships the last strength whose bound keeps the budget", async () => {
  const shiftsAt = shiftsOf(0.03, 100);
  const { trials, strength, more } = await certify(ladder(1), [0.02], shiftsAt, OPTIONS);
  assert.deepEqual(trials.map(({ strength, passed }) => [strength, passed]), [
    [0.5, true],
    [0.7, true],
    [0.8, false],
  ]);
  assert.equal(strength, 0.7);
  assert.ok(more !== null && more > 0, "its mean keeps the budget, so more documents would do");
  const [documents] = await shiftsAt(0.7);
  assert.equal(trials[1]!.bounds[0]!.upper, upperBound(documents!, 0.05));
});

Deno.test("certify() asks no further once a strength has failed", async () => {
  const asked: number[] = [];
  await certify(ladder(0.8), [0.001], (strength) => {
    asked.push(strength);
    return shiftsOf(0.1, 50)(strength);
  }, OPTIONS);
  assert.deepEqual(asked, [0.4]);
});

Deno.test("certify() says when more text would not help, and when it would", async () => {
  const hopeless = await certify([1], [0.01], shiftsOf(0.1, 50), OPTIONS);
  assert.deepEqual([hopeless.strength, hopeless.more], [0, null]);
  const few = await certify([1], [0.012], shiftsOf(0.005, 4), OPTIONS);
  assert.equal(few.strength, 0);
  const { more } = few;
  assert.ok(more !== null && more >= 1);
  const enough = await certify([1], [0.02], shiftsOf(0.015, 200), OPTIONS);
  assert.deepEqual([enough.strength, enough.more], [1, null]);
  const one = await certify([1], [0.02], shiftsOf(0.001, 1), OPTIONS);
  assert.equal(one.strength, 0, "one document has no spread to reckon with");
});

Deno.test("certify() holds every slice to its own budget, at delta / slices", async () => {
  const both = async (strength: number) => [
    (await shiftsOf(0.01, 100)(strength))[0]!,
    (await shiftsOf(0.05, 100)(strength))[0]!,
  ];
  const { trials } = await certify([1], [0.02, 0.02], both, OPTIONS);
  assert.equal(trials[0]!.passed, false);
  const [kept, broken] = trials[0]!.bounds;
  assert.ok(kept!.upper <= 0.02 && broken!.upper > 0.02);
  assert.equal(kept!.upper, upperBound((await both(1))[0]!, 0.025));
});

Deno.test("certify() ships too much forgetting no more often than delta", async () => {
  // The true mean is a little above the budget at strength 1: every certificate at 1 is an error.
  let wrong = 0;
  for (let seed = 0; seed < 500; seed++) {
    const { strength } = await certify([0.5, 1], [0.02], shiftsOf(0.0201, 60, seed), OPTIONS);
    if (strength === 1) wrong++;
  }
  assert.ok(wrong / 500 < 0.08, `${wrong} of 500`);
  assert.ok(wrong > 0, "else the test would be far too careful");
});

Deno.test("strict certificates need more documents", async () => {
  const strict = { ...OPTIONS, strict: true };
  assert.equal((await certify([1], [0.02], shiftsOf(0.005, 100), strict)).strength, 0);
  assert.equal((await certify([1], [0.02], shiftsOf(0.005, 4000), strict)).strength, 1);
});
