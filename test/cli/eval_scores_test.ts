/** Adapters that give scores, measured by `deno task eval`, and refused where a model is to write. */
import assert from "node:assert/strict";
import { run as evaluate } from "../../src/cli/eval.ts";
import { run as generate } from "../../src/cli/generate.ts";
import { run as merge } from "../../src/cli/merge.ts";
import { capture } from "./capture.ts";
import { Toy, type ToySettings } from "../train/toy.ts";

const LABELS = ["short", "long"];

function write(toy: Toy, name: string, rows: readonly unknown[]): string {
  Deno.writeTextFileSync(toy.path(name), rows.map((row) => JSON.stringify(row)).join("\n"));
  return toy.path(name);
}

const texts = (toy: Toy) =>
  write(
    toy,
    "texts.jsonl",
    Array.from({ length: 12 }, (_, i) => ({
      text: i % 2 === 0 ? `ann ${i}` : `a long word, so tom saw ann ${i}`,
      label: i % 4 < 2 ? LABELS[i % 2] : i % 2,
    })),
  );

Deno.test("eval: accuracy and F1 of classes, what a run says of the same rows", async () => {
  using toy = new Toy();
  const path = texts(toy);
  const { measured } = await toy.train("out", {
    data: [{ path, format: "classified" }],
    objective: { kind: "classify", labels: LABELS },
    train: { steps: 6 },
    eval: { data: [{ path, format: "classified" }] },
  } as ToySettings);
  const flags = [toy.model, "--adapter", toy.path("out"), "--data", path];
  const labels = LABELS.flatMap((label) => ["--labels", label]);
  const { stdout } = await capture(evaluate, ...flags, ...labels, "--json");
  const found = JSON.parse(stdout);
  assert.equal(found.rows, 12);
  for (const field of ["loss", "accuracy", "f1"]) {
    assert.ok(Math.abs(found[field] - measured[`eval_${field}`]!) < 1e-5, field);
  }
  const refused = (message: RegExp, ...call: Parameters<typeof capture>) =>
    assert.rejects(capture(...call), message);
  await refused(/Found 1 labels, wanted 2, one for each/, evaluate, ...flags, "--labels", "one");
  const writes = /head gives scores.*wanted an adapter that writes/;
  const adapter = ["--adapter", toy.path("out")];
  await refused(writes, generate, toy.model, "--prompt", "ann", ...adapter);
  await refused(writes, merge, toy.path("out"), "--out", toy.path("merged"));
});

Deno.test("eval: accuracy and calibration of rewards", async () => {
  using toy = new Toy();
  const rows = Array.from({ length: 6 }, (_, i) => ({
    ...{ prompt: `say ${i} `, answers: ["a long word", "no", "tom saw"], scores: [3, 1, 2] },
  }));
  const path = write(toy, "ranked.jsonl", rows);
  const { measured } = await toy.train("out", {
    data: [{ path }],
    objective: { kind: "reward" },
    train: { steps: 6 },
    eval: { data: [{ path }] },
  } as ToySettings);
  const flags = [toy.model, "--adapter", toy.path("out"), "--data", path];
  const { stdout } = await capture(evaluate, ...flags, "--json");
  const found = JSON.parse(stdout);
  for (const field of ["loss", "accuracy", "margin", "calibration_error"]) {
    assert.ok(Math.abs(found[field] - measured[`eval_${field}`]!) < 1e-5, field);
  }
  await assert.rejects(
    capture(evaluate, ...flags, "--labels", "a", "--labels", "b"),
    /Found labels for an adapter that gives rewards, wanted none/,
  );
});
