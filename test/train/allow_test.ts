import assert from "node:assert/strict";
import { Toy } from "./toy.ts";

Deno.test("rows with a fault train where train.allow names it; those with nothing to learn are left out", async () => {
  using toy = new Toy();
  const path = toy.path("faulty.jsonl");
  const rows = [
    { input_ids: [1, 1, 5, 6], labels: [-100, -100, 5, 6] },
    { input_ids: [1, 5, 6], labels: [-100, -100, -100] },
  ];
  Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  const said: string[] = [];
  const settings = { data: [{ path }], train: { steps: 2, tokens_per_batch: 64 } };
  const run = (allow: string[]) =>
    toy.train("run", { ...settings, train: { ...settings.train, allow } }, {
      say: (line) => void said.push(line),
    });
  await assert.rejects(run(["unsupervised"]), /BOS twice/);
  await assert.rejects(run(["double-bos"]), /no supervised token/);
  const { step } = await run(["double-bos", "unsupervised"]);
  assert.equal(step, 2);
  assert.ok(said.includes(`data: ${path}: 1 rows, 1 unsupervised`), said.join("\n"));
});
