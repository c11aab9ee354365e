import assert from "node:assert/strict";
import { ConfigError } from "../../src/errors.ts";
import { inUnit, parseBudget } from "../../src/forgetting/budget.ts";

Deno.test("parseBudget() reads what a user writes", () => {
  assert.deepEqual(parseBudget("ppl:2%"), [
    { domain: null, metric: "ppl", epsilon: Math.log1p(0.02), text: "ppl:2%" },
  ]);
  assert.deepEqual(parseBudget("kl:0.02")[0]!.epsilon, 0.02);
  const domains = parseBudget("ppl[stories]:1%, kl[my code]:0.05");
  assert.deepEqual(domains.map(({ domain, metric }) => [domain, metric]), [
    ["stories", "ppl"],
    ["my code", "kl"],
  ]);
});

Deno.test("parseBudget() refuses what is no budget, and says what is", () => {
  for (const text of ["2%", "ppl:2", "kl:2%", "ppl:0%", "ppl:-1%", "", "ppl:2%,", "loss:1"]) {
    assert.throws(() => parseBudget(text), (fault) => {
      assert.ok(fault instanceof ConfigError);
      assert.match(fault.message, /wanted ppl:PERCENT% or kl:NATS/);
      return true;
    }, text);
  }
  assert.throws(() => parseBudget("ppl:1%,ppl:2%"), /for all text twice/);
  assert.throws(() => parseBudget("ppl[a]:1%,kl[a]:2"), /the domain a twice/);
  assert.throws(() => parseBudget("ppl:1%,kl[a]:2"), /one or the other/);
});

Deno.test("inUnit() writes a shift in the unit of its budget", () => {
  assert.equal(inUnit("ppl", Math.log(1.0134)), "+1.3 %");
  assert.equal(inUnit("ppl", Math.log(1.0012)), "+0.12 %");
  assert.equal(inUnit("ppl", Math.log(0.99)), "-1.0 %");
  assert.equal(inUnit("kl", 0.01314), "0.0131");
});
