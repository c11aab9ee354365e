/** What a run says of itself, to whoever listens; runs without a folder. */
import assert from "node:assert/strict";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { exists } from "../../src/io/files.ts";
import type { RunEvent } from "../../src/runs/events.ts";
import { follow } from "../../src/train/follow.ts";
import { train, trainWith } from "../../src/train/run.ts";
import { openDevice } from "../../src/gpu/device.ts";
import { engine } from "../harness.ts";
import { snapshot, Toy } from "./toy.ts";

const evaluated = (toy: Toy) => ({
  guard: false as const,
  train: { steps: 4, checkpoint_every: 2, eval_every: 2 },
  eval: { data: [{ path: toy.rows, format: "tokens" }] },
});

/** Kinds of events, without the lines of the log and where phases are. */
const kinds = (events: readonly RunEvent[]) =>
  events.map(({ kind }) => kind).filter((kind) => kind !== "log" && kind !== "progress");

Deno.test("every long phase of a run tells where it is", async () => {
  using toy = new Toy();
  const phases = new Map<string, RunEvent & { kind: "progress" }>();
  const guard = { text: [toy.text], share: 0.5, every: 3, budget: "ppl:5%" };
  const parsed = parseConfig({
    values: toy.values("run", {
      guard,
      train: { steps: 4 },
      eval: { data: [{ path: toy.rows, format: "tokens" }] },
    }),
  });
  using device = await openDevice(); // whose kernels nothing has compiled before
  await train(parsed, {
    device,
    on: (event) => void (event.kind === "progress" && phases.set(event.progress.what, event)),
  });
  const told = [...phases.keys()];
  for (
    const phase of [
      /^reading rows of .*rows\.jsonl$/,
      /^encoding rows$/,
      /^loading weights$/,
      /^compiling kernels$/,
      /^selecting, moment \d of \d: forgetting at strength [\d.]+: measuring$/,
      /^certifying, strength \d of 7: measuring$/,
      /^comparing with the base on .*: measuring$/,
    ]
  ) assert.ok(told.some((what) => phase.test(what)), `${phase} in ${told.join("; ")}`);
  for (const what of ["encoding rows", "loading weights", "compiling kernels"]) {
    const { done, of } = phases.get(what)!.progress;
    assert.equal(done, of, what);
  }
});

Deno.test("a run tells what happens in order, and metrics.jsonl has the updates it told", async () => {
  using toy = new Toy();
  const events: RunEvent[] = [];
  const result = await toy.train("run", evaluated(toy), { on: (event) => events.push(event) });
  assert.deepEqual(kinds(events), [
    "start",
    ...["measure", "update", "update", "checkpoint"],
    ...["measure", "update", "update", "checkpoint"],
    "end",
  ]);
  const start = events.find((event) => event.kind === "start")!;
  assert.deepEqual([start.steps, start.done, start.trains], [4, 0, "adapter"]);
  assert.equal(start.out, toy.path("run"));
  assert.equal(start.config.train.steps, 4);
  assert.equal(start.origin["train.steps"], "call");
  assert.ok(start.memory["weights"]! > 0 && start.memory["activations"]! > 0);
  const updates = events.flatMap((event) => event.kind === "update" ? [event.metrics] : []);
  assert.deepEqual(updates, toy.metrics("run"));
  const measured = events.flatMap((event) => event.kind === "measure" ? [event] : []);
  for (const { step, values } of measured) {
    assert.equal(updates[step]!["eval_loss"], values["eval_loss"]);
  }
  const end = events.at(-1)!;
  assert.ok(end.kind === "end");
  assert.equal(end.result.saved, toy.path("run", "adapter"));
  assert.equal(end.result.measured["eval_loss"], result.measured["eval_loss"]);
  for (const event of events) {
    if (event.kind === "checkpoint") assert.ok(exists(event.path));
  }
});

Deno.test("a signal ends a run after the update under way; a fault is told and thrown", async () => {
  using toy = new Toy();
  const stop = new AbortController();
  const events: RunEvent[] = [];
  const { step, stopped, reports } = await toy.train("run", evaluated(toy), {
    stop: stop.signal,
    on: (event) => {
      events.push(event);
      if (event.kind === "checkpoint") stop.abort();
    },
  });
  assert.deepEqual([step, stopped, reports], [3, true, {}]);
  assert.deepEqual(kinds(events).slice(-2), ["checkpoint", "end"]);
  const faults: Error[] = [];
  const again = toy.train("run", evaluated(toy), {
    on: (event) => void (event.kind === "fault" && faults.push(event.error)),
  });
  await assert.rejects(again, /holds another run; add --resume/);
  assert.equal(faults.length, 1);
});

Deno.test("what a listener throws ends the run", async () => {
  using toy = new Toy();
  const on = (event: RunEvent) => {
    if (event.kind === "update") throw new Error("the disk is full");
  };
  await assert.rejects(toy.train("run", evaluated(toy), { on }), /the disk is full/);
});

Deno.test("a run without a folder leaves nothing, and gives the adapter of one with a folder", async () => {
  using toy = new Toy();
  const { device } = await engine();
  const text = [toy.text];
  const guard = { text, share: 0.5, every: 3, budget: "ppl:5%" };
  for (const settings of [evaluated(toy), { ...evaluated(toy), guard }]) {
    const out = `run ${settings.guard ? "with" : "without"} guard`;
    await toy.train(out, settings);
    const parsed = parseConfig({ values: toy.values("free", settings) });
    const before = Object.keys(snapshot(toy.folder));
    const { adapter, saved, reports } = await train(parsed, { device, out: null });
    assert.deepEqual(Object.keys(snapshot(toy.folder)), before);
    assert.equal(saved, null);
    assert.equal("forgetting" in reports, settings.guard !== false);
    const kept = readPeft(toy.path(out, "adapter"));
    assert.deepEqual(adapter!.modules.map(({ module }) => module).sort(), [
      ...kept.modules.map(({ module }) => module).sort(),
    ]);
    for (const module of kept.modules) {
      const found = adapter!.modules.find((other) => other.module === module.module)!;
      assert.deepEqual([found.a, found.b, found.alpha], [module.a, module.b, module.alpha]);
    }
  }
});

Deno.test("rows of a program train as those of a file; methods of a program stand for the config's", async () => {
  using toy = new Toy();
  const { device } = await engine();
  const settings = { guard: false as const, train: { steps: 3 } };
  await toy.train("file", settings);
  const lines = Deno.readTextFileSync(toy.rows).split("\n").map((line) => JSON.parse(line));
  const data = lines.map(({ input_ids, labels }, i) => ({
    ids: Uint32Array.from(input_ids),
    labels: Int32Array.from(labels),
    origin: `row ${i}`,
  }));
  toy.writeRows("other.jsonl", [{ length: 9 }]);
  const other = [{ path: toy.path("other.jsonl"), format: "tokens" }];
  await toy.train("rows", { ...settings, data: other }, { data });
  assert.deepEqual(toy.adapter("rows"), toy.adapter("file"));

  const guard = { text: [toy.text], share: 0.5, budget: "ppl:5%" };
  const parsed = parseConfig({ values: toy.values("no guard", { ...settings, guard }) });
  const { reports } = await trainWith({ beside: [] }, parsed, { device });
  assert.deepEqual(reports, {});
  assert.deepEqual(toy.adapter("no guard"), toy.adapter("file"));
});

Deno.test("follow() yields the events; whoever leaves the loop stops the run", async () => {
  using toy = new Toy();
  const { device } = await engine();
  const parsed = parseConfig({ values: toy.values("run", evaluated(toy)) });
  const events = await Array.fromAsync(follow(parsed, { device }));
  assert.equal(events.at(-1)!.kind, "end");
  assert.equal(events.filter(({ kind }) => kind === "update").length, 4);
  const long = { ...evaluated(toy), train: { steps: 500, checkpoint_every: 2 } };
  const left = parseConfig({ values: toy.values("left", long) });
  for await (const { kind } of follow(left, { device })) if (kind === "checkpoint") break;
  const { length } = toy.metrics("left");
  assert.ok(length >= 2 && length < 500, `${length} updates`);
  const missing = parseConfig({ values: { ...toy.values("none"), model: toy.path("no model") } });
  await assert.rejects(Array.fromAsync(follow(missing, { device })), /no model/);
});
