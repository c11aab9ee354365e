import assert from "node:assert/strict";
import fc from "fast-check";
import { hash, permutation, random, reservoirSample } from "../src/random.ts";

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

async function* counting(n: number): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) yield i;
}

Deno.test("reservoirSample() keeps all of a short stream, and of a long one each item as often", async () => {
  const all = await reservoirSample(counting(7), 10, 1);
  assert.deepEqual(all, { items: [0, 1, 2, 3, 4, 5, 6], total: 7 });
  const times = new Array(40).fill(0);
  const runs = 2000;
  for (let seed = 0; seed < runs; seed++) {
    const { items, total } = await reservoirSample(counting(40), 10, seed);
    assert.equal(total, 40);
    assert.equal(new Set(items).size, 10);
    assert.deepEqual(items, items.toSorted((a, b) => a - b));
    for (const item of items) times[item]++;
  }
  // a quarter of the runs each, within five standard deviations
  const deviation = 5 * Math.sqrt(runs * 0.25 * 0.75);
  assert.ok(times.every((count) => Math.abs(count - runs / 4) < deviation), String(times));
});
