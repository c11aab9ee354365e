/** Runs that are trained are in the history, stopped, resumed and failed ones as well. */
import assert from "node:assert/strict";
import { exists } from "../../src/io/files.ts";
import { figuresOf, RunHistory } from "../../src/runs/history/history.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { train } from "../../src/train/run.ts";
import { engine } from "../harness.ts";
import { Toy } from "../train/toy.ts";

Deno.test("a run that is trained is in the history beside its folder", async () => {
  using toy = new Toy();
  let updates = 0;
  const stopped = await toy.train("mine", {}, { stopWanted: () => ++updates === 3 });
  const read = () => {
    using history = new RunHistory(toy.path("runs.sqlite"));
    const run = history.find("mine");
    return { ...run, events: history.events(run.id), runs: history.runs().length };
  };
  const before = read();
  assert.deepEqual([before.status, before.done, stopped.step], ["stopped", 3, 3]);
  assert.equal(before.events.checkpoints[0]!.step, 3);
  const { last } = await toy.train("mine", {}, { resume: true });
  const after = read();
  assert.deepEqual([after.status, after.done, after.steps, after.runs], ["done", 6, 6, 1]);
  assert.deepEqual(after.events.updates, toy.metrics("mine"));
  assert.equal(figuresOf(after)["loss"], last!.loss);
  assert.ok(after.device.adapter !== "" && after.memory["weights"]! > 0);
});

Deno.test("a run without a folder, or without a wish for it, is not in the history", async () => {
  using toy = new Toy();
  const { device } = await engine();
  const short = { train: { steps: 1 } };
  await train(parseConfig({ values: toy.values("none", short) }), { device, out: null });
  await train(parseConfig({ values: { ...toy.values("mine", short), history: false } }), {
    device,
  });
  assert.ok(exists(toy.path("mine")) && !exists(toy.path("runs.sqlite")));
});

Deno.test("a history that cannot be written leaves a run as it is", async () => {
  using toy = new Toy();
  await toy.train("well");
  Deno.removeSync(toy.path("runs.sqlite"));
  Deno.writeTextFileSync(toy.path("runs.sqlite"), "no database ".repeat(200));
  const said: string[] = [];
  await toy.train("badly", {}, { say: (line) => said.push(line) });
  assert.deepEqual(toy.adapter("badly"), toy.adapter("well"));
  const lines = said.filter((line) => line.includes("runs.sqlite"));
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /file is not a database; the run goes on, but is not in its history$/);
});
