/** A configuration as it is saved beside a run. */
import assert from "node:assert/strict";
import { writeJson } from "../../src/io/files.ts";
import { changedKeys, parseConfig, savedConfig } from "../../src/config/mod.ts";

const NEEDED = { model: "base", data: "rows.jsonl" };

Deno.test("savedConfig() is a file that resolves to the same configuration", () => {
  const flags = { ...NEEDED, "guard.text": "a.txt", "adapter.rank": "4", "train.steps": "5" };
  const parsed = parseConfig({ flags });
  const file = Deno.makeTempFileSync({ suffix: ".json" });
  try {
    writeJson(file, savedConfig(parsed));
    assert.deepEqual(parseConfig({ file }).config, parsed.config);
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("changedKeys() names what differs, origins and defaults aside", () => {
  const saved = savedConfig(parseConfig({ flags: { ...NEEDED, "train.steps": "5" } }));
  const now = (flags: Record<string, string>) =>
    savedConfig(parseConfig({ flags: { ...NEEDED, ...flags } }));
  assert.deepEqual(changedKeys(saved, now({ "train.steps": "5", "train.clip": "1" })), []);
  const after = now({ "train.steps": "6", "guard.text": "a" });
  const [steps, guard, ...inGuard] = changedKeys(saved, after);
  assert.deepEqual(steps, { key: "train.steps", before: 5, after: 6 });
  assert.deepEqual(guard, { key: "guard", before: false, after: after["guard"] });
  for (const { key, before } of inGuard) {
    assert.match(key, /^guard\./);
    assert.equal(before, undefined);
  }
  const budget = { key: "guard.budget", before: undefined, after: "ppl:2%" };
  assert.deepEqual(inGuard.find(({ key }) => key === "guard.budget"), budget);
  assert.equal(changedKeys(saved, now({}))[0]?.key, "train.steps");
});
