/** An entry with several paths reads each as an entry of its own. */
import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { type DataEntry, loadExamples } from "../../../src/data/mod.ts";
import { parseConfig } from "../../../src/config/mod.ts";
import { toyEncoder, withFiles } from "../toy.ts";

const texts = (name: string) =>
  Array.from({ length: 20 }, (_, i) => JSON.stringify({ instruction: `${name} ${i}`, output: "x" }))
    .join("\n");

Deno.test("paths: each of a list is split, and drawn for, as an entry of its own", async () => {
  await withFiles({ "a.jsonl": texts("a"), "b.jsonl": texts("b") }, async (folder) => {
    const load = async (entry: DataEntry) =>
      (await loadExamples(entry, toyEncoder, { maxTokens: 999 })).examples;
    const [b, a] = ["b.jsonl", "a.jsonl"].map((name) => join(folder, name)) as [string, string];
    const split = { part: "held", shares: { train: 0.8, held: 0.2 }, seed: 3 };
    for (const settings of [{ split }, { template: ["plain", "alpaca"] }, {}]) {
      const apart = [
        ...await load({ path: b, ...settings }),
        ...await load({ path: a, ...settings }),
      ];
      assert.deepEqual(await load({ path: [b, a], ...settings }), apart);
    }
    assert.equal((await load({ path: [b, a], split })).length, 8);
    assert.notDeepEqual(await load({ path: [b, a], split }), await load({ path: folder, split }));
    const none = load({ path: [b, a], format: "alpaca", on_empty: "drop", template: "plain" });
    assert.equal((await none).length, 40);
    await assert.rejects(
      loadExamples({ path: [b, a] }, toyEncoder, { maxTokens: 3 }),
      /b\.jsonl and 1 more: found 40 documents, all left out/,
    );
  });
});

Deno.test("paths: a config takes a path or a list, each from the folder of the file", async () => {
  const data = [{ path: ["rows/a.jsonl", "b.jsonl"] }, { path: "c.jsonl" }];
  await withFiles({ "run.json": JSON.stringify({ model: "m", data }) }, (folder) => {
    const pathOf = (flags = {}) =>
      parseConfig({ file: join(folder, "run.json"), flags }).config.data.map(({ path }) => path);
    assert.deepEqual(pathOf(), [
      [join(folder, "rows/a.jsonl"), join(folder, "b.jsonl")],
      join(folder, "c.jsonl"),
    ]);
    // A name with a comma is a name.
    assert.equal(pathOf({ "data.path": "d,e.jsonl" })[0], resolve("d,e.jsonl"));
    const list = { "data.path": '["d.jsonl", "e.jsonl"]' };
    assert.deepEqual(pathOf(list)[0], [resolve("d.jsonl"), resolve("e.jsonl")]);
    for (const path of [[], [""], 3, [3]]) {
      assert.throws(
        () => parseConfig({ values: { model: "m", data: [{ path }] } }),
        /ConfigError: data\.0\.path/,
      );
    }
    return Promise.resolve();
  });
});
