/** Runs on large data begin before all rows are encoded, and end as if they had not. */
import assert from "node:assert/strict";
import { FileError } from "../../src/errors.ts";
import { exists } from "../../src/io/files.ts";
import { Toy, type ToySettings } from "./toy.ts";

const ROWS = 2000;

/** Rows of tokens in more than 4 MiB, most of it white space. None is too long. */
function largeRows(toy: Toy, last = ""): Required<ToySettings>["data"] {
  const rows = Array.from({ length: ROWS }, (_, i) => ({ length: 44 + i % 20 }));
  const path = toy.writeRows("large.jsonl", rows);
  const lines = Deno.readTextFileSync(path).split("\n").map((line) => line.padEnd(2200));
  Deno.writeTextFileSync(path, [...lines, last].join("\n"));
  assert.ok(Deno.statSync(path).size > 4 * 2 ** 20);
  return [{ path, format: "tokens" }];
}

async function said(
  toy: Toy,
  out: string,
  settings: ToySettings,
  options: { resume?: boolean; stopWanted?: () => boolean } = {},
): Promise<string[]> {
  const lines: string[] = [];
  await toy.train(out, settings, { ...options, say: (line) => lines.push(line) });
  return lines;
}

const BEGINS = /rows read, to be encoded while it trains$/;

Deno.test("a run of given steps ends with the bytes of one that encoded all rows before", async () => {
  using toy = new Toy();
  const data = largeRows(toy);
  const guard = {
    text: [toy.text],
    documents: { control: 4, certificate: 16, probe: 2 },
    task_rows: 16,
  };
  const settings = (train: Record<string, unknown>): ToySettings => ({
    ...{ data, guard, train: { ...train, allow: ["double-bos", "double-eos"] } },
  });
  const epochs = await said(toy, "epochs", settings({ epochs: 0.01 }));
  const { length: steps } = toy.metrics("epochs");
  assert.ok(steps > 5 && !epochs.some((line) => BEGINS.test(line)));
  const onTheFly = await said(toy, "steps", settings({ steps }));
  const at = (pattern: RegExp) => onTheFly.findIndex((line) => pattern.test(line));
  assert.ok(0 <= at(BEGINS) && at(BEGINS) < at(/^updates {5}\d+ of /));
  assert.ok(at(/large\.jsonl: 2000 rows$/) > 0);
  assert.deepEqual(toy.adapter("steps"), toy.adapter("epochs"));
  const report = (out: string) => {
    const { cost: _, ...rest } = JSON.parse(
      Deno.readTextFileSync(toy.path(out, "forgetting_report.json")),
    );
    return rest;
  };
  assert.deepEqual(report("steps"), report("epochs"));
});

Deno.test("a run on rows that are not all encoded is stopped and resumed", async () => {
  using toy = new Toy();
  const data = [...largeRows(toy), { path: toy.rows, format: "tokens", weight: 2 }];
  const settings: ToySettings = {
    data,
    guard: false,
    train: { steps: 8, allow: ["double-bos", "double-eos"] },
  };
  await toy.train("whole", settings);
  let updates = 0;
  const stopped = await toy.train("parts", settings, { stopWanted: () => ++updates === 3 });
  assert.deepEqual([stopped.step, stopped.stopped], [3, true]);
  const lines = await said(toy, "parts", settings, { resume: true });
  assert.ok(lines.some((line) => BEGINS.test(line)));
  assert.deepEqual(toy.adapter("parts"), toy.adapter("whole"));
});

Deno.test("a row that cannot be used stops a run that has begun, and leaves nothing", async () => {
  using toy = new Toy();
  const data = largeRows(toy, JSON.stringify({ input_ids: [1, 2, 3], labels: [-100, 2, 9] }));
  const settings: ToySettings = {
    data,
    guard: false,
    train: { steps: 3, checkpoint_every: 1, allow: ["double-bos", "double-eos"] },
  };
  const lines: string[] = [];
  const wanted = new FileError(
    `${toy.path("large.jsonl")}:2001: found labels[2] = 9, wanted input_ids[2] = 3 or -100`,
  );
  await assert.rejects(toy.train("out", settings, { say: (line) => lines.push(line) }), wanted);
  assert.ok(lines.some((line) => line.startsWith("updates     3 of ")));
  assert.equal(lines.at(-1), `${toy.path("out")}: nothing is kept of a run that a row has stopped`);
  assert.ok(!exists(toy.path("out")));
  Deno.mkdirSync(toy.path("empty"));
  await assert.rejects(toy.train("empty", settings), wanted);
  assert.deepEqual([...Deno.readDirSync(toy.path("empty"))], []);
});

Deno.test("a run that is over before its rows are encoded waits for the last, and refuses it", async () => {
  using toy = new Toy();
  const text = JSON.stringify({ text: "tom saw a red ball and an old cat. ".repeat(60) });
  Deno.writeTextFileSync(toy.path("text.jsonl"), Array(2500).fill(text).join("\n"));
  Deno.writeTextFileSync(toy.path("odd.jsonl"), '{"input_ids": [1, 2], "labels": [-100, 9]}');
  const data = [
    { path: toy.path("text.jsonl"), format: "text" },
    { path: toy.path("odd.jsonl"), format: "tokens" },
  ];
  const train = { steps: 1, shuffle: false, on_too_long: "truncate" };
  await assert.rejects(
    toy.train("out", { data, guard: false, train }),
    /odd\.jsonl:1: found label/,
  );
  assert.ok(!exists(toy.path("out")));
});
