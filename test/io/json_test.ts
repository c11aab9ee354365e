import assert from "node:assert/strict";
import fc from "fast-check";
import { parseJsonObject } from "../../src/io/files.ts";
import { duplicateKey, isTooDeep, MAX_DEPTH } from "../../src/io/json.ts";
import { assertFileError } from "./helpers.ts";

const depthOf = (value: unknown): number =>
  typeof value !== "object" || value === null
    ? 0
    : 1 + Math.max(0, ...Object.values(value).map(depthOf));

Deno.test("isTooDeep() counts what lies in each other, not brackets in strings", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  assert.ok(!isTooDeep(nested(MAX_DEPTH)));
  assert.ok(isTooDeep(nested(MAX_DEPTH + 1)));
  assert.ok(isTooDeep(`{"a":`.repeat(MAX_DEPTH + 1)));
  assert.ok(!isTooDeep(`{"a":"${"[".repeat(500)}\\"${"{".repeat(500)}"}`));
  assert.ok(!isTooDeep("[],".repeat(500)));
  fc.assert(fc.property(fc.json({ maxDepth: 6 }), (text) => !isTooDeep(text)));
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 8 }), fc.nat(), (value, more) => {
    const depth = MAX_DEPTH - 5 + more % 10;
    const text = `[${"[".repeat(depth - 1)}${JSON.stringify(value)}${"]".repeat(depth)}`;
    assert.equal(isTooDeep(text), depth + depthOf(value) > MAX_DEPTH);
  }));
});

Deno.test("duplicateKey() finds a key that JSON.parse would hide, however it is spelt", () => {
  assert.equal(duplicateKey(`{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}`), undefined);
  assert.equal(duplicateKey(`{"a":1,"\\u0061" : 2}`), "a");
  assert.equal(duplicateKey(`{"a":{"x":1,"x":2}}`), "x");
  assert.equal(duplicateKey(`{"\\"":1,"\\\\":2,"\\\\\\"":3}`), undefined);
  assert.equal(duplicateKey(`{"a":"a","b":["a","a"]}`), undefined);
  fc.assert(fc.property(fc.json(), (text) => {
    assert.equal(duplicateKey(JSON.stringify(JSON.parse(text))), undefined);
  }));
});

Deno.test("neither minds a string of millions of escapes", () => {
  const text = `{"a":"${"\\\\".repeat(5e6)}","b":"${'\\"'.repeat(5e6)}"}`;
  assert.equal(duplicateKey(text), undefined);
  assert.ok(!isTooDeep(text));
  assert.equal((parseJsonObject(text, "x.json")["a"] as string).length, 5e6);
});

Deno.test("parseJsonObject() says in one line what is no JSON", () =>
  assertFileError(() => parseJsonObject(`{\n  "a": nul\n}`, "x.json"), "x.json: not valid JSON ("));

Deno.test("parseJsonObject() refuses deep nesting before it parses", () => {
  const deep = `{"a":${"[".repeat(5e6)}${"]".repeat(5e6)}}`;
  assertFileError(() => parseJsonObject(deep, "x.json"), "x.json: found JSON that nests deeper");
});
