import assert from "node:assert/strict";
import { Retention } from "../../src/data/retention.ts";
import { exampleOf } from "./toy.ts";

const none = { documents: 0, tokens: 0 };

Deno.test("retention: each cycle draws every document once, in another order", () => {
  const retention = new Retention(Array.from({ length: 20 }, () => exampleOf(10)), 0.5, 1);
  const { chosen } = retention.draw(none, 400, 400);
  const [first, second] = [chosen.slice(0, 20), chosen.slice(20)];
  const all = Array.from({ length: 20 }, (_, i) => i);
  assert.deepEqual(first.toSorted((a, b) => a - b), all);
  assert.deepEqual(second.toSorted((a, b) => a - b), all);
  assert.notDeepEqual(first, second);
});

Deno.test("retention: draws whole documents up to what is due, or to the room", () => {
  const retention = new Retention([exampleOf(10)], 0.25, 1);
  // 90 task tokens call for 30 of retention, 104 for 34.7, 106 for 35.3
  assert.deepEqual(retention.draw(none, 90, 100).drawn, { documents: 3, tokens: 30 });
  assert.deepEqual(retention.draw(none, 104, 100).drawn, { documents: 3, tokens: 30 });
  assert.deepEqual(retention.draw(none, 106, 100).drawn, { documents: 4, tokens: 40 });
  assert.deepEqual(retention.draw(none, 90, 29).drawn, { documents: 2, tokens: 20 });
  assert.equal(retention.due({ documents: 2, tokens: 20 }, 90), 10);
});

Deno.test("retention: none without a share", () => {
  assert.deepEqual(new Retention([], 0, 1).draw(none, 1000, 1000), { chosen: [], drawn: none });
});
