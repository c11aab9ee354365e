import assert from "node:assert/strict";
import fc from "fast-check";
import { hash, permutation, random } from "../src/random.ts";

Deno.test("hash: MurmurHash3 x86_32 of whole words", () => {
  const test = 0x74736574; // "test", little endian: a published test vector
  assert.equal(hash(0, [test]), 0xba6bd213);
  assert.equal(hash(0x9747b28c, [test]), 0x704b81dc);
});

Deno.test("random: even over [0, 1), and unlike in neighbouring counters and seeds", () => {
  const n = 20_000;
  const bins = new Array<number>(20).fill(0);
  let product = 0;
  for (let i = 0; i < n; i++) {
    const value = random(7, 3, i);
    bins[Math.floor(value * 20)]!++;
    product += (value - 0.5) * (random(8, 3, i) - 0.5) + (value - 0.5) * (random(7, 4, i) - 0.5);
  }
  const chiSquare = bins.reduce((sum, count) => sum + (count - n / 20) ** 2 / (n / 20), 0);
  assert.ok(chiSquare < 43.8, `chi-square ${chiSquare} of 19 degrees, p < 0.001`);
  assert.ok(Math.abs(product / n) < 0.005, `covariance ${product / n}`);
});

Deno.test("permutation: of all n, keyed by seed and counters", () => {
  fc.assert(fc.property(fc.nat(300), fc.integer(), fc.nat(), (n, seed, epoch) => {
    const order = permutation(n, seed, epoch);
    assert.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: n }, (_, i) => i));
    assert.deepEqual(permutation(n, seed, epoch), order);
  }));
  assert.notDeepEqual(permutation(50, 1, 0), permutation(50, 1, 1));
  assert.notDeepEqual(permutation(50, 1, 0), permutation(50, 2, 0));
});
