/** Rows that are too long are never left out without a word. */
import assert from "node:assert/strict";
import { ConfigError } from "../../src/errors.ts";
import { exists } from "../../src/io/files.ts";
import { Toy } from "./toy.ts";

/** Rows of which so many do not fit the toy's 64 tokens. */
const rowsOf = (toy: Toy, long: number, all: number) =>
  toy.writeRows(
    `${long}.jsonl`,
    Array.from({ length: all }, (_, i) => ({ length: i < long ? 80 : 20 })),
  );

async function said(toy: Toy, out: string, path: string, train: object = {}, format = "tokens") {
  const lines: string[] = [];
  const settings = {
    data: [{ path, format }],
    train: { steps: 1, allow: ["double-eos"], ...train }, // rows of chance may end twice
  };
  await toy.train(out, settings, { say: (line) => lines.push(line) });
  return lines.filter((line) => /too long|longer than|cut/.test(line)).join("\n");
}

Deno.test("a run of which half the rows would be left out for their length is refused", async () => {
  using toy = new Toy();
  const path = rowsOf(toy, 48, 60);
  await assert.rejects(said(toy, "half", path), (fault: Error) => {
    assert.ok(fault instanceof ConfigError, fault.stack!);
    assert.match(
      fault.message,
      /found 48 of 60 rows longer than 64 tokens, wanted fewer than half/,
    );
    return true;
  });
  assert.ok(!exists(toy.path("half")));
  assert.match(await said(toy, "wanted", path, { on_too_long: "drop" }), /60 rows longer than 64/);
  assert.match(await said(toy, "cut", path, { on_too_long: "truncate" }), /60 rows, 48 cut/);
});

Deno.test("where more than a hundredth is left out, the run says which key keeps it", async () => {
  using toy = new Toy();
  const some = await said(toy, "some", rowsOf(toy, 3, 60));
  assert.match(some, /found 3 of 60 rows longer than 64 tokens, which are left out; they would be/);
  assert.match(some, /a model of a longer context, or train\.on_too_long split or truncate/);
  const larger = { micro_batch_tokens: 32, tokens_per_batch: 32 };
  assert.match(await said(toy, "larger", rowsOf(toy, 2, 60), larger), /larger train\.micro_batch/);
  assert.doesNotMatch(await said(toy, "one", rowsOf(toy, 1, 101)), /kept by/);
});

Deno.test("a text that is too long is split, unless something else was asked", async () => {
  using toy = new Toy();
  const path = toy.path("long.txt");
  Deno.writeTextFileSync(path, "a cat and a dog. ".repeat(30));
  assert.match(await said(toy, "split", path, {}, "text"), /: \d+ rows, 1 cut/);
  await assert.rejects(
    said(toy, "dropped", path, { on_too_long: "drop" }, "text"),
    /found 1 documents, all left out/,
  );
});
