import assert from "node:assert/strict";
import { marginalGainOf } from "../../src/forgetting/select/marginal_gain.ts";
import type { Measures } from "../../src/forgetting/select/select.ts";

/** Forgets `shifts[i] * strength^2` of domain i, and has that task loss. */
const measuresOf = (shifts: number[], task: (strength: number) => number): Measures => ({
  shifts: (_, strength) =>
    Promise.resolve(
      shifts.map((mean) => ({ mean: mean * strength ** 2, se: 0, net: mean, nll: 1 })),
    ),
  task: (_, strength) => Promise.resolve(task(strength)),
});

Deno.test("priceOf() is the slope of the task over the budget that is spent the most", async () => {
  const linear = (strength: number) => 3 - 2 * strength ** 2; // in what is forgotten
  // 0.01 strength^2 spends half the budget of 0.02: all of it would buy 4 nats
  assert.ok(
    Math.abs((await marginalGainOf(measuresOf([0.01], linear), [0.02], 9, 0.7))! - 0.4) < 1e-12,
  );
  const two = await marginalGainOf(measuresOf([0.01, 0.03], linear), [0.02, 0.03], 9, 1);
  assert.ok(Math.abs(two! - 0.2) < 1e-12, "of the second budget");
});

Deno.test("priceOf() is 0 where more strength buys nothing, null where it forgets no more", async () => {
  assert.equal(await marginalGainOf(measuresOf([0.01], (strength) => strength), [0.02], 9, 1), 0);
  assert.equal(await marginalGainOf(measuresOf([-0.01], () => 1), [0.02], 9, 1), null);
});

Deno.test("marginalGainOf() is null where so little was forgotten that its slope is noise", async () => {
  const noisy = (mean: number, se: number): Measures => ({
    shifts: (_, strength) =>
      Promise.resolve([{ mean: mean * strength ** 2, se, net: mean, nll: 1 }]),
    task: (_, strength) => Promise.resolve(5 - 3 * strength),
  });
  assert.equal(await marginalGainOf(noisy(1e-5, 1e-5), [0.02], 9, 1), null);
  assert.ok(await marginalGainOf(noisy(1e-3, 1e-5), [0.02], 9, 1) !== null);
});
