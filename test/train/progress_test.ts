/** Rows that take long to read say where they are. */
import assert from "node:assert/strict";
import { Model } from "../../src/models/model.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { loadRows } from "../../src/train/rows.ts";
import { Toy } from "./toy.ts";

Deno.test("a source says every ten seconds how many rows it has given", async () => {
  using toy = new Toy();
  using model = new Model(toy.model);
  const { config } = parseConfig({ values: toy.values("run") });
  const now = performance.now;
  let ms = 0;
  performance.now = () => ms;
  const said: string[] = [];
  try {
    const take = () => void (ms += 4_000); // each of the toy's 12 rows
    await loadRows(model, config.data, config, (line) => said.push(line), take);
  } finally {
    performance.now = now;
  }
  const lines = [3, 6, 9, 12].map((rows) => `${rows} rows so far`);
  assert.deepEqual(said, [...lines, "12 rows"].map((line) => `data: ${toy.rows}: ${line}`));
});
