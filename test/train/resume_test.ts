/** Runs that are stopped or killed in the middle end with the bytes of one that was left alone. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { exists, writeJson } from "../../src/io/files.ts";
import { Toy, type ToySettings } from "./toy.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Long enough to be caught in the middle: the first checkpoint comes after a tenth of it. */
const STEPS = 80;

/** `deno task train` in a process of its own. */
function start(toy: Toy, out: string, ...flags: string[]): Deno.ChildProcess {
  const config = toy.path(`${out}.json`);
  writeJson(config, toy.values(out, { train: { steps: STEPS, checkpoint_every: STEPS / 10 } }));
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "train", config, ...flags],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Waits for the first checkpoint, then sends the signal; resolves to how the process ended. */
async function interrupt(toy: Toy, out: string, signal: Deno.Signal): Promise<Deno.CommandStatus> {
  const child = start(toy, out);
  let over = false;
  child.status.then(() => over = true);
  while (!over && checkpoints(toy, out).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.ok(!over, "the run was over before it could be interrupted");
  child.kill(signal);
  return await child.status;
}

function checkpoints(toy: Toy, out: string): string[] {
  const folder = toy.path(out, "checkpoints");
  if (!exists(folder)) return [];
  return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => /^step/.test(name));
}

function assertWhole(toy: Toy, out: string, steps: number): void {
  const found = toy.metrics(out).map(({ step }) => step);
  assert.deepEqual(found, Array.from({ length: steps }, (_, step) => step));
}

Deno.test("a run that was killed or interrupted ends with the same bytes", async (t) => {
  using toy = new Toy();
  const { code } = await start(toy, "whole").status;
  assert.equal(code, 0);
  const wanted = toy.adapter("whole");

  await t.step("after SIGKILL", async () => {
    const { signal } = await interrupt(toy, "killed", "SIGKILL");
    assert.equal(signal, "SIGKILL");
    assert.ok(!exists(toy.path("killed", "adapter")));
    assert.equal((await start(toy, "killed", "--resume").status).code, 0);
    assert.deepEqual(toy.adapter("killed"), wanted);
    assertWhole(toy, "killed", STEPS);
  });

  await t.step("after SIGINT, with exit code 130 and a checkpoint of that moment", async () => {
    const { code } = await interrupt(toy, "interrupted", "SIGINT");
    assert.equal(code, 130);
    assert.ok(!exists(toy.path("interrupted", "adapter")));
    const done = toy.metrics("interrupted").length;
    const last = checkpoints(toy, "interrupted").sort().at(-1);
    assert.equal(last, `step-${String(done).padStart(8, "0")}.safetensors`);
    assert.equal((await start(toy, "interrupted", "--resume").status).code, 0);
    assert.deepEqual(toy.adapter("interrupted"), wanted);
    assertWhole(toy, "interrupted", STEPS);
  });
});

Deno.test("a run with a guard that is stopped ends with the same bytes", async () => {
  using toy = new Toy();
  const guard = { text: [toy.text], share: 0.5, every: 3, budget: "ppl:5%" };
  const settings = { guard, train: { steps: 12, checkpoint_every: 4, weight_decay: 0.1 } };
  await toy.train("whole", settings);
  for (const at of [3, 6, 7, 10]) { // with a measurement under way or not, before and after a checkpoint
    let asked = 0;
    const out = `stopped-${at}`;
    const { step, stopped } = await toy.train(out, settings, { stopWanted: () => ++asked === at });
    assert.deepEqual({ step, stopped }, { step: at, stopped: true });
    await toy.train(out, settings, { resume: true });
    assert.deepEqual(toy.adapter(out), toy.adapter("whole"));
    assertSameMetrics(toy, out);
    assert.deepEqual(report(toy, out), report(toy, "whole"));
  }
  const [adapter, found] = [toy.adapter("whole"), report(toy, "whole")];
  await toy.train("whole", settings, { resume: true }); // once more, after its end
  assert.deepEqual(toy.adapter("whole"), adapter);
  assert.deepEqual(report(toy, "whole"), found);
});

function report(toy: Toy, out: string) {
  const { cost: _, ...rest } = JSON.parse(
    Deno.readTextFileSync(toy.path(out, "forgetting_report.json")),
  );
  return rest;
}

/** All but the speed. */
function assertSameMetrics(toy: Toy, out: string): void {
  const fields = (run: string) =>
    toy.metrics(run).map(({ tokens_per_second: _, ...metrics }) => metrics);
  assert.deepEqual(fields(out), fields("whole"), out);
}

Deno.test("a run can be resumed before its first checkpoint, and after its end", async () => {
  using toy = new Toy();
  const settings: ToySettings = { train: { steps: 3, checkpoint_every: 0 } };
  await toy.train("run", settings);
  const whole = toy.adapter("run");
  const { step } = await toy.train("run", settings, { resume: true });
  assert.equal(step, 3);
  assert.deepEqual(toy.adapter("run"), whole);
  assertWhole(toy, "run", 3);
});
