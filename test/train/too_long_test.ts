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

/** Rows of which the first so many have 700 tokens, and the others 20. */
const longRows = (toy: Toy, long: number, all: number) =>
  toy.writeRows(
    "long.jsonl",
    Array.from({ length: all }, (_, i) => ({ length: i < long ? 700 : 20 })),
  );

/** Where nobody has said how long rows are. */
const OPEN = { micro_batch_tokens: undefined, tokens_per_batch: 1024 };

Deno.test("rows are as long as the data where nobody has said, and a resumed run keeps that", async () => {
  using toy = new Toy({ config: { max_position_embeddings: 2048 } });
  const path = longRows(toy, 40, 60);
  const train = { ...OPEN, steps: 2, allow: ["double-bos", "double-eos"], checkpoint_every: 1 };
  const settings = { data: [{ path, format: "tokens" }], train };
  const lines: string[] = [];
  let updates = 0;
  const stopWanted = () => ++updates === 1;
  await toy.train("run", settings, { say: (line) => lines.push(line), stopWanted });
  const reads = "the model reads up to 2048";
  const lengthIn = (lines: readonly string[]) => lines.find((line) => line.startsWith("rows of "));
  assert.equal(
    lengthIn(lines),
    `rows of     1024 tokens: 99 % of the rows have at most 700, the longest 700; ${reads}`,
  );
  assert.ok(lines.some((line) => /long\.jsonl: 60 rows$/.test(line)), lines.join("\n"));
  const saved = JSON.parse(Deno.readTextFileSync(toy.path("run", "config.json")));
  const sizes = [saved.train.micro_batch_tokens, saved.train.tokens_per_batch];
  assert.deepEqual([...sizes, saved.train.recompute], [1024, 1024, false]);
  assert.equal(saved.$origin["train.micro_batch_tokens"], "default");
  const more: string[] = [];
  const { step } = await toy.train("run", settings, {
    resume: true,
    say: (line) => more.push(line),
  });
  assert.equal(step, 2);
  assert.equal(
    lengthIn(more),
    `rows of     1024 tokens: as train.micro_batch_tokens says; ${reads}`,
  );
});

Deno.test("rows that are encoded while a run trains are left out by the same rules", async () => {
  using toy = new Toy();
  const large = (long: number) => {
    const rows = Array.from({ length: 2000 }, (_, i) => ({ length: i < long ? 80 : 20 }));
    const path = toy.writeRows(`large-${long}.jsonl`, rows);
    const lines = Deno.readTextFileSync(path).split("\n").map((line) => line.padEnd(2200));
    Deno.writeTextFileSync(path, lines.join("\n"));
    return path;
  };
  const allow = { allow: ["double-bos", "double-eos"] };
  const some = await said(toy, "some", large(40), allow);
  assert.match(some, /found 40 of 2000 rows longer than 64 tokens, which are left out; they would/);
  assert.doesNotMatch(await said(toy, "few", large(20), allow), /they would be kept/);
  await assert.rejects(
    said(toy, "half", large(1000), allow),
    /found 1000 of 2000 rows longer than 64 tokens, wanted fewer than half/,
  );
  assert.ok(!exists(toy.path("half")));
  assert.match(
    await said(toy, "dropped", large(1100), { ...allow, on_too_long: "drop" }),
    /found 1100 of 2000 rows longer than 64 tokens, which are left out/,
  );
});
