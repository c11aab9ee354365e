import assert from "node:assert/strict";
import type { Metrics } from "../../src/runs/events.ts";
import { curvesOf } from "../../src/watch/curves.ts";

const update = (step: number, loss: number): Metrics => ({
  ...{ step, loss, tokens: 10, lr: 0.1, grad_norm: 1, tokens_per_second: 5 },
});

Deno.test("curves have what was told at each step, and null where nothing was", () => {
  const { steps, fields } = curvesOf({
    updates: [update(0, 4), update(2, 3)],
    measures: [{ step: 1, values: { eval_loss: 5 } }, { step: 2, values: { eval_loss: 4 } }],
  });
  assert.deepEqual(steps, [0, 1, 2]);
  assert.deepEqual(fields["loss"], [4, null, 3]);
  assert.deepEqual(fields["eval_loss"], [null, 5, 4]);
  assert.ok(!("step" in fields));
});

Deno.test("a long run is put together to as many points as a screen has, none of it left out", () => {
  const updates = Array.from({ length: 10_000 }, (_, step) => update(step, step % 10));
  const measures = [{ step: 5000, values: { eval_loss: 2 } }];
  const { steps, fields } = curvesOf({ updates, measures });
  assert.equal(steps.length, Math.ceil(10_000 / 9));
  assert.equal(steps.at(-1), 9999);
  assert.equal(fields["eval_loss"]!.filter((value) => value !== null).length, 1);
  const count = (i: number) => Math.min(9, 10_000 - 9 * i);
  const sum = fields["loss"]!.reduce<number>((sum, mean, i) => sum + mean! * count(i), 0);
  assert.ok(Math.abs(sum - 45_000) < 1e-6);
});

Deno.test("a run of nothing has no points, and a loss that is no number none there", () => {
  assert.deepEqual(curvesOf({ updates: [], measures: [] }), { steps: [], fields: {} });
  const { fields } = curvesOf({ updates: [update(0, NaN), update(1, 2)], measures: [] });
  assert.deepEqual(fields["loss"], [null, 2]);
});
