/** Ten SIGKILLs at any moment, writes among them: the run ends with the bytes of one left alone. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { exists, writeJson } from "../../src/io/files.ts";
import { random } from "../../src/random.ts";
import { Toy } from "./toy.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const [KILLS, SEED] = [10, 7];

/** Every second update writes a checkpoint, so that many a kill falls into a write. */
const settings = { guard: false as const, train: { steps: 160, checkpoint_every: 2 } };

/** The run in a process of its own, from its last checkpoint where there is one. */
function start(toy: Toy, out: string): Deno.ChildProcess {
  const config = toy.path(`${out}.json`);
  writeJson(config, toy.values(out, settings));
  const resume = exists(toy.path(out, "config.json")) ? ["--resume"] : [];
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "train", config, ...resume],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Kills a run some milliseconds after it has made an update; whether it was there to be killed. */
async function kill(toy: Toy, out: string, after: number): Promise<boolean> {
  const child = start(toy, out);
  let isOver = false;
  const ended = child.output().then((output) => {
    isOver = true;
    return output;
  });
  const path = toy.path(out, "metrics.jsonl");
  const size = () => exists(path) ? Deno.statSync(path).size : 0;
  let before = size();
  while (!isOver && size() <= before) {
    before = Math.min(before, size()); // what comes again is dropped first
    await pause(2);
  }
  await pause(after);
  if (!isOver) child.kill("SIGKILL");
  const { signal, success, stderr } = await ended;
  assert.ok(success || signal === "SIGKILL", new TextDecoder().decode(stderr));
  return !success;
}

Deno.test(`a run that is killed ${KILLS} times ends with the bytes of one that was left alone`, async () => {
  using toy = new Toy();
  await toy.train("whole", settings);
  let killed = 0;
  for (let i = 0; i < KILLS; i++) {
    if (await kill(toy, "killed", 80 * random(SEED, i))) killed++;
  }
  const { success, stderr } = await start(toy, "killed").output();
  assert.ok(success, new TextDecoder().decode(stderr));
  assert.ok(killed >= KILLS / 2, `only ${killed} of ${KILLS} kills met the run`);
  assert.deepEqual(toy.adapter("killed"), toy.adapter("whole"));
  assert.deepEqual(toy.metrics("killed").map(({ step }) => step), [...Array(160).keys()]);
  const left = [...Deno.readDirSync(toy.path("killed"))].map(({ name }) => name);
  assert.deepEqual(left.filter((name) => name.endsWith(".tmp") || name === ".lock"), []);
});
