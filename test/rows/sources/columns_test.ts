import assert from "node:assert/strict";
import { exactJson } from "../../../src/rows/sources/row.ts";
import { sourceRows } from "../../../src/rows/sources/columns.ts";
import { withFiles } from "../../data/toy.ts";

Deno.test("columns: fields take the columns that are named, and others stay", async () => {
  const line = '{"output":"old","q":"What?","a":{"1":10.0},"id":7}';
  await withFiles({ "a.jsonl": line }, async (folder) => {
    const columns = { instruction: "q", output: "a" };
    const [row] = await Array.fromAsync(sourceRows(`${folder}/a.jsonl`, { columns }));
    assert.deepEqual(row!.fields, { instruction: "What?", output: { 1: 10 }, id: 7 });
    assert.equal(exactJson(row!, "output"), '{"1": 10.0}', "exact under its new name");
    assert.equal(row!.line, line, "the line is the file's");
    const swapped = { q: "a", a: "q" };
    const [other] = await Array.fromAsync(sourceRows(`${folder}/a.jsonl`, { columns: swapped }));
    assert.equal(other!.fields["a"], "What?");
  });
});
