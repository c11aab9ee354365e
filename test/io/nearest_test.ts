import assert from "node:assert/strict";
import { didYouMean, nearest } from "../../src/io/nearest.ts";

Deno.test("nearest() gives close names, the closest first", () => {
  const names = ["warmup", "rank", "ranks", "alpha", "lr"];
  assert.deepEqual(nearest("rnk", names), ["rank"]);
  assert.deepEqual(nearest("ranks", names), ["ranks", "rank"]);
  assert.deepEqual(nearest("l", names), ["lr"]);
  assert.deepEqual(nearest("shwo", ["show", "list"]), ["show"], "neighbours that are swapped");
  assert.deepEqual(nearest("schedule", names), []);
  assert.deepEqual(nearest("ranks", names, 1), ["ranks"]);
  const endless = "x".repeat(2 ** 28); // compared with a name, it would take hours
  assert.deepEqual(nearest(endless, names), []);
});

Deno.test("didYouMean() is the end of a sentence, or nothing", () => {
  assert.equal(didYouMean("rnk", ["rank"]), `, did you mean "rank"`);
  assert.equal(didYouMean("ab", ["aa", "bb"]), `, did you mean "aa" or "bb"`);
  assert.equal(didYouMean("x", ["alpha"]), "");
});
