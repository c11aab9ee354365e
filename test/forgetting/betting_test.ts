/** The bound of the certificate, against what can be worked out and against chance. */
import assert from "node:assert/strict";
import { atMost, confidence } from "../../src/forgetting/budget.ts";
import { BANDS, counted, grossOf, netOf, riseOf } from "../../src/forgetting/rises.ts";
import {
  bettingBound,
  limitOf,
  planBets,
  shareBound,
} from "../../src/forgetting/select/betting.ts";
import { normal, random } from "../../src/random.ts";

Deno.test("riseOf() puts tokens into bands by position, the last one apart", () => {
  const nats = Float32Array.from({ length: 100 }, (_, i) => i + 1); // each is its position
  const { tokens, bands } = riseOf(nats);
  assert.equal(tokens, 100);
  const sum = (from: number, to: number) => (to - from + 1) * (from + to) / 2;
  assert.deepEqual(bands, [1, 2, sum(3, 4), sum(5, 16), sum(17, 64), sum(65, 99), 100]);
  assert.equal(BANDS.length, bands.length);
  assert.deepEqual(riseOf([7]).bands, [0, 0, 0, 0, 0, 0, 7], "a single token is the last");
});

Deno.test("counted() weighs by token and leaves out the positions that have gained", () => {
  const rises = [
    { tokens: 10, bands: [-4, 0, 0, 1, 0, 0, 0] },
    { tokens: 30, bands: [-4, 0, 0, 1, 2, 0, 0] },
  ];
  const { n, mean, net, bands } = counted(rises);
  assert.deepEqual([n, mean], [2, 4 / 40]);
  assert.ok(Math.abs(net + 4 / 40) < 1e-15);
  assert.equal(bands[0], -8 / 40);
  assert.deepEqual(rises.map(netOf), [-3, -1]);
  assert.deepEqual(rises.map(grossOf), [1, 3]);
  assert.equal(counted([rises[0]!]).se, 0);
  assert.throws(() => counted([]), RangeError);
});

Deno.test("where nothing rises the bound is what the stakes can show", () => {
  const none = Array.from({ length: 100 }, () => riseOf(new Float32Array(50)));
  const limit = limitOf(none, 0.02);
  assert.equal(limit, 3);
  const upper = bettingBound(none, planBets(none, 0.02, limit), 0.05);
  // (3/4 (1 + a u)^n + 1/4 (1 + a u / 2)^n >= 20, with a = 0.99 * tokens / limit
  const wealth = (u: number) =>
    0.75 * (1 + 0.99 / limit * u * 50) ** 100 + 0.25 * (1 + 0.495 / limit * u * 50) ** 100;
  assert.ok(Math.abs(wealth(upper) - 20) < 0.05, `${wealth(upper)}`);
  assert.equal(bettingBound([], planBets(none, 0.02, limit), 0.05), Infinity);
});

Deno.test("the bound is below the truth no more often than it says, skewed as rises may be", () => {
  const tokens = 60;
  const draw = (seed: number, part: number, count: number) =>
    Array.from({ length: count }, (_, i) => {
      const rise = 0.02 * Math.exp(normal(seed, part, i) - 0.5); // lognormal, mean 0.02
      return riseOf(new Float32Array(tokens).fill(rise));
    });
  let below = 0;
  for (let seed = 0; seed < 60; seed++) {
    const [others, rises] = [draw(seed, 1, 48), draw(seed, 2, 64)];
    const limit = limitOf(others, 0.02);
    if (bettingBound(rises, planBets(others, 0.02, limit), 0.05) < 0.02) below++;
  }
  assert.ok(below <= 6, `${below} of 60`); // binomial: more than 6 of 60 at 5 % has p < 0.04
});

Deno.test("shareBound() is the exact binomial bound", () => {
  assert.ok(Math.abs(shareBound(0, 100, 0.05) - (1 - 0.05 ** (1 / 100))) < 1e-9);
  assert.ok(Math.abs(shareBound(2, 20, 0.05) - 0.2826195) < 1e-6); // Clopper and Pearson's tables
  assert.equal(shareBound(5, 5, 0.05), 1);
});

Deno.test("a bound is printed rounded up, and confidence with its digits", () => {
  assert.equal(atMost("ppl", Math.log1p(0.01101)), "+1.2 %");
  assert.equal(atMost("ppl", Math.log1p(0.00111)), "+0.12 %");
  assert.equal(atMost("kl", 0.01231), "0.0124");
  assert.deepEqual([0.05, 0.005, 0.001].map(confidence), ["95 %", "99.5 %", "99.9 %"]);
  for (let i = 0; i < 200; i++) {
    const rise = 0.05 * random(3, i);
    assert.ok(Number(atMost("ppl", Math.log1p(rise)).slice(1, -2)) >= 100 * rise - 1e-9);
  }
});
