import assert from "node:assert/strict";
import { GrowableArray } from "../../../src/io/store/growable_array.ts";

Deno.test("GrowableArray keeps what was pushed and appended, over the edges of its blocks", () => {
  const numbers = new GrowableArray(Uint32Array);
  const wanted: number[] = [];
  for (const count of [3, 1 << 14, 0, 40_000, 1]) {
    const more = Uint32Array.from({ length: count }, (_, i) => wanted.length + 7 * i);
    numbers.append(more);
    wanted.push(...more, 5);
    numbers.push(5);
  }
  assert.equal(numbers.length, wanted.length);
  assert.deepEqual([...numbers.copy()], wanted);
  for (const i of [0, 3, (1 << 14) - 1, 1 << 14, wanted.length - 1]) {
    assert.equal(numbers.at(i), wanted[i]);
  }
});

Deno.test("GrowableArray.clear() forgets all, and a copy is nobody else's", () => {
  const numbers = new GrowableArray(Float64Array);
  numbers.append(Float64Array.of(1, 2 ** 40, 3));
  const copy = numbers.copy();
  numbers.clear();
  assert.equal(numbers.length, 0);
  assert.equal(numbers.copy().length, 0);
  numbers.push(9);
  assert.deepEqual([...copy], [1, 2 ** 40, 3]);
  assert.deepEqual([...numbers.copy()], [9]);
});
