/** Zero-shot: FLAN's splits, and a whole study on a tiny model that is ended in its middle. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { RunHistory } from "../../src/runs/history/history.ts";
import { runStudy } from "../../src/studies/engine/engine.ts";
import { FLAN_CLUSTERS } from "../../src/studies/zero_shot/flan.ts";
import { splitsOf, zeroShotSchema } from "../../src/studies/zero_shot/spec.ts";
import { zeroShot } from "../../src/studies/zero_shot/study.ts";
import { openDevice } from "../../src/gpu/device.ts";
import { withTiny } from "../models/tiny.ts";

const entry = { path: "rows.jsonl" };

/** Tasks of FLAN by their names. */
function flanSplits() {
  const names = Object.values(FLAN_CLUSTERS).flat();
  const tasks = Object.fromEntries(names.map((name) => [name, { train: entry, test: entry }]));
  const spec = zeroShotSchema.parse({ run: {}, tasks, metrics: ["nats"], seeds: [1] });
  return new Map(splitsOf(spec).map((split) => [split.cluster, split]));
}

Deno.test("splitsOf() holds FLAN's clusters out as its released code does", () => {
  const splits = flanSplits();
  assert.equal(splits.size, 17);
  const all = new Set(Object.values(FLAN_CLUSTERS).flat());
  const left = (cluster: string) =>
    [...all.difference(new Set(splits.get(cluster)!.trained))].sort();
  const of = (...clusters: string[]) => clusters.flatMap((name) => FLAN_CLUSTERS[name]!).sort();
  assert.deepEqual(left("sentiment"), of("sentiment"));
  assert.deepEqual(left("paraphrase"), of("paraphrase", "entailment"));
  assert.deepEqual(left("entailment"), of("paraphrase", "entailment"));
  const both = "read_comp_and_common_sense";
  assert.deepEqual(left("common_sense"), of("common_sense", both));
  assert.deepEqual(left("reading_comprehension"), of("reading_comprehension", both));
  assert.deepEqual(left(both), of("common_sense", "reading_comprehension", both));
});

Deno.test("splitsOf() leaves out what is in the held-out cluster too; refuses what has no cluster", () => {
  const task = (cluster: string | string[]) => ({ cluster, train: entry, test: entry });
  const tasks = { a: task(["x", "y"]), b: task("x"), c: task("y") };
  const [x] = splitsOf({ tasks, kin: [] });
  assert.deepEqual(x, { cluster: "x", held: ["a", "b"], trained: ["c"] });
  assert.throws(() => splitsOf({ tasks: { a: task("x") }, kin: [] }), /found 1 cluster/i);
  const alone = { bool_r: { train: entry, test: entry } };
  assert.throws(() => splitsOf({ tasks: alone, kin: [] }), /tasks\.bool_r: .*bool_q/);
});

/** Two clusters of rows that a tiny model is trained on for two updates. */
function writeSpec(folder: string): string {
  const row = (what: string, i: number) =>
    JSON.stringify({ instruction: `say ${what} ${i}`, input: "", output: `${what} ${i}.`, what });
  const rows = ["one", "two", "ten"].flatMap((what) =>
    Array.from({ length: 6 }, (_, i) => row(what, i))
  );
  Deno.writeTextFileSync(join(folder, "rows.jsonl"), rows.join("\n"));
  const task = (cluster: string, what: string) => ({
    cluster,
    where: { what },
    train: { path: "rows.jsonl", template: "plain" },
    test: { path: "rows.jsonl", template: "plain", max_rows: 2, max_tokens: 4 },
  });
  const train = { steps: 2, tokens_per_batch: 64, micro_batch_tokens: 64, checkpoint_every: 1 };
  const path = join(folder, "spec.json");
  Deno.writeTextFileSync(
    path,
    JSON.stringify({
      run: { model: "model", adapter: { rank: 2 }, train: { ...train, lr: 0.01 } },
      tasks: { one: task("x", "one"), two: task("y", "two"), ten: task("y", "ten") },
      vary: { rows: [2] },
      metrics: ["nats", "rougeL"],
      seeds: [1],
    }),
  );
  return path;
}

Deno.test("a study that is ended in the middle of a run goes on and ends in the same summary", () =>
  withTiny({ vocab: 64 }, async (model) => {
    const folder = dirname(model);
    const path = writeSpec(folder);
    const study = (out: string, say: (line: string) => void = () => {}) =>
      runStudy(zeroShot, {
        ...{ path, files: undefined, out: join(folder, out), only: "", say },
        device: () => openDevice(),
      });
    const { cells, findings } = await study("whole");
    assert.equal(cells, 2 + 2 * 2);
    assert.deepEqual(findings!.pictures.map(({ name }) => name), ["clusters", "rows"]);
    const ends = (line: string) => {
      if (line.startsWith("  resumed")) resumed++;
      if (line.includes("without y 2 rows seed 1") && resumed === 0) throw new Error("ended");
    };
    let resumed = 0;
    await assert.rejects(study("broken", ends), /ended/);
    // The run of the next cell is left as a killed process leaves it: with a checkpoint, no adapter.
    const [whole, broken] = ["whole", "broken"].map((name) => join(folder, name, "runs"));
    const cell = "without y 2 rows seed 1";
    Deno.mkdirSync(join(broken!, cell, "checkpoints"), { recursive: true });
    const config = Deno.readTextFileSync(join(whole!, cell, "config.json"));
    Deno.writeTextFileSync(
      join(broken!, cell, "config.json"),
      config.replaceAll(join(folder, "whole"), join(folder, "broken")),
    );
    Deno.copyFileSync(
      join(whole!, cell, "checkpoints/step-00000001.safetensors"),
      join(broken!, cell, "checkpoints/step-00000001.safetensors"),
    );
    resumed = 0;
    await study("broken", (line) => line.startsWith("  resumed") && resumed++);
    assert.equal(resumed, 1);
    const summary = (out: string) => Deno.readTextFileSync(join(folder, out, "summary.json"));
    assert.equal(summary("broken"), summary("whole"));
    using history = new RunHistory(join(broken!, "runs.sqlite"));
    const runs = history.runs();
    assert.equal(runs.length, cells - 1);
    assert.ok(runs.every(({ status, done }) => status === "done" && done === 2));
  }));
