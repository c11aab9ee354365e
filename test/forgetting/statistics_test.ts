/** Expected numbers are those of published tables, or worked out by hand. */
import assert from "node:assert/strict";
import { random } from "../../src/random.ts";
import {
  bernsteinBound,
  mcnemar,
  studentQuantile,
  summary,
  upperBound,
} from "../../src/forgetting/statistics.ts";

const near = (found: number, wanted: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(found - wanted) <= tolerance * Math.abs(wanted), `${found}, wanted ${wanted}`);

Deno.test("studentQuantile() equals the tables", () => {
  near(studentQuantile(0.95, 1), 6.313751514675041);
  near(studentQuantile(0.95, 2), 2.919985580355516);
  near(studentQuantile(0.95, 10), 1.8124611228107335);
  near(studentQuantile(0.975, 30), 2.0422724563012373);
  near(studentQuantile(0.95, 511), 1.6478, 1e-4);
  near(studentQuantile(0.05, 10), -1.8124611228107335);
  assert.equal(studentQuantile(0.5, 3), 0);
});

Deno.test("summary() and upperBound() of a small sample", () => {
  const { n, mean, sd, se } = summary([1, 2, 3, 4]);
  assert.deepEqual([n, mean], [4, 2.5]);
  near(sd, Math.sqrt(5 / 3));
  near(se, Math.sqrt(5 / 12));
  near(upperBound([1, 2, 3, 4], 0.05), 2.5 + 2.3533634348018264 * Math.sqrt(5 / 12));
  assert.equal(upperBound([0.01], 0.05), Infinity);
  assert.equal(bernsteinBound([0.01], 0.05), Infinity);
  assert.equal(summary([3]).sd, 0);
});

Deno.test("bernsteinBound() clips to one nat and is wider than Student's", () => {
  const shifts = Array.from({ length: 200 }, (_, i) => 0.02 * random(3, i));
  const tail = Math.log(2 / 0.05);
  const { mean, sd } = summary(shifts);
  near(bernsteinBound(shifts, 0.05), mean + sd * Math.sqrt(2 * tail / 200) + 14 * tail / 597);
  assert.ok(bernsteinBound(shifts, 0.05) > upperBound(shifts, 0.05));
  assert.equal(bernsteinBound([0.5, 9], 0.05), bernsteinBound([0.5, 1], 0.05));
});

Deno.test("upperBound() lies below the true mean as seldom as it says", () => {
  let below = 0;
  for (let run = 0; run < 2000; run++) {
    const sample = Array.from({ length: 100 }, (_, i) => random(7, run, i));
    if (upperBound(sample, 0.05) < 0.5) below++;
  }
  assert.ok(below > 60 && below < 140, `${below} of 2000, wanted about 100`);
});

Deno.test("mcnemar() is the exact two-sided test", () => {
  assert.equal(mcnemar(0, 0), 1);
  assert.equal(mcnemar(5, 5), 1);
  near(mcnemar(0, 5), 0.0625);
  near(mcnemar(2, 10), 0.03857421875);
  near(mcnemar(10, 2), 0.03857421875);
});
