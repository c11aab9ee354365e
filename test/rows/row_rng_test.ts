import assert from "node:assert/strict";
import fc from "fast-check";
import { RowRng } from "../../src/rows/row_rng.ts";

Deno.test("RowRng: an order holds each number once, its beginning the same however far it is read", () => {
  fc.assert(fc.property(fc.nat(60), fc.nat(), fc.nat(), (n, seed, row) => {
    const whole = [...new RowRng(seed, row).shuffled(n)];
    assert.deepEqual(whole.toSorted((a, b) => a - b), Array.from({ length: n }, (_, i) => i));
    const begun = new RowRng(seed, row).shuffled(n).take(3).toArray();
    assert.deepEqual(begun, whole.slice(0, 3));
  }));
});

Deno.test("RowRng: every order of three comes as often as any other, and rows differ", () => {
  const counts = new Map<string, number>();
  for (let row = 0; row < 6000; row++) {
    const order = [...new RowRng(1, row).shuffled(3)].join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(counts.size, 6);
  for (const [order, count] of counts) {
    assert.ok(Math.abs(count - 1000) < 150, `${order}: ${count}`);
  }
  const rng = new RowRng(1, 2);
  assert.notEqual(rng.uniform(), rng.uniform());
  assert.notEqual(new RowRng(1, 2).uniform(), new RowRng(2, 2).uniform());
});
