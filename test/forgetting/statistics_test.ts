/** Expected numbers are those of published tables, or worked out by hand. */
import assert from "node:assert/strict";
import { mcnemar, summary } from "../../src/forgetting/statistics.ts";

const near = (found: number, wanted: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(found - wanted) <= tolerance * Math.abs(wanted), `${found}, wanted ${wanted}`);

Deno.test("summary() of a small sample", () => {
  const { n, mean, sd, se } = summary([1, 2, 3, 4]);
  assert.deepEqual([n, mean], [4, 2.5]);
  near(sd, Math.sqrt(5 / 3));
  near(se, Math.sqrt(5 / 12));
  assert.equal(summary([3]).sd, 0);
});

Deno.test("mcnemar() is the exact two-sided test", () => {
  assert.equal(mcnemar(0, 0), 1);
  assert.equal(mcnemar(5, 5), 1);
  near(mcnemar(0, 5), 0.0625);
  near(mcnemar(2, 10), 0.03857421875);
  near(mcnemar(10, 2), 0.03857421875);
});
