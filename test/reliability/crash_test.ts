/**
 * Crash bench: runs that are killed at any moment, and inside writes, and resumed each time, end with
 * the bytes of one left alone. Ten kills here; `deno task crash` makes a hundred.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exists, writeJson } from "../../src/io/files.ts";
import { random } from "../../src/random.ts";
import { RunHistory } from "../../src/runs/history/history.ts";
import { guarded } from "../forgetting/guarded_toy.ts";
import { Toy, type ToySettings } from "../train/toy.ts";

const script = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const [MAIN, DYING] = [script("../../src/cli/main.ts"), script("dying.ts")];
const KILLS = Number(Deno.env.get("GRAFT_KILLS") ?? 10);
const SEED = Number(Deno.env.get("GRAFT_SEED") ?? 7);
/** Milliseconds after an update within which a kill falls; calls of which one is the last. */
const [MOMENTS, CALLS] = [80, 60];

/** Every second update writes a checkpoint, so that many a kill falls into a write. */
const train = { steps: 40, checkpoint_every: 2 };
const plain = { guard: false as const, train };

const SCENARIOS: Record<string, (toy: Toy) => ToySettings> = {
  "without guard": () => plain,
  guarded: (toy) => ({ ...guarded(toy), train: { ...train, lr: 0.02 } }),
  "a mixture": (toy) => ({
    ...plain,
    data: [["few.jsonl", 6], ["many.jsonl", 60]].map(([name, count]) => ({
      path: toy.writeRows(name as string, lengths(count as number, 12, 9)),
      format: "tokens",
    })),
    mixture: { maximum: 12, temperature: 1 },
  }),
  "workers that encode": (toy) => ({
    ...plain,
    data: [{ path: largeRows(toy), format: "tokens" }],
    train: { ...train, allow: ["double-bos", "double-eos"] },
  }),
  preferences: (toy) => ({
    ...plain,
    data: [{ path: preferences(toy) }],
    objective: { kind: "dpo" },
  }),
};

const lengths = (count: number, least: number, spread: number) =>
  Array.from({ length: count }, (_, i) => ({ length: least + i % spread }));

/** Rows of more than 4 MiB, most of it white space: they are encoded beside the training. */
function largeRows(toy: Toy): string {
  const path = toy.writeRows("large.jsonl", lengths(2000, 44, 20));
  const lines = Deno.readTextFileSync(path).split("\n").map((line) => line.padEnd(2200));
  Deno.writeTextFileSync(path, lines.join("\n"));
  return path;
}

function preferences(toy: Toy): string {
  const path = toy.path("preferences.jsonl");
  const row = (i: number) => ({ prompt: `say ${i}: `, chosen: `a long ${i}`, rejected: `no ${i}` });
  const lines = Array.from({ length: 12 }, (_, i) => JSON.stringify(row(i)));
  Deno.writeTextFileSync(path, lines.join("\n"));
  return path;
}

/** A run in processes of its own. */
class Victim {
  constructor(readonly toy: Toy, readonly out: string, settings: ToySettings) {
    writeJson(this.#config, toy.values(out, settings));
  }

  /** From its last checkpoint, where it has begun; dies in call `diesAt`, if it makes so many. */
  start(diesAt?: number): Deno.ChildProcess {
    const resume = exists(this.toy.path(this.out, "config.json")) ? ["--resume"] : [];
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", diesAt === undefined ? MAIN : DYING, "train", this.#config, ...resume],
      env: { NO_COLOR: "1", ...(diesAt !== undefined && { DIES_AT: String(diesAt) }) },
      stdout: "null",
      stderr: "piped",
    }).spawn();
  }

  /** Whether it died in a call. */
  async diesIn(call: number): Promise<boolean> {
    return await isKilled(this.start(call).output());
  }

  /** Whether it was there to be killed some milliseconds after an update. */
  async diesAfter(ms: number): Promise<boolean> {
    const child = this.start();
    let isOver = false;
    const ended = child.output().finally(() => isOver = true);
    const path = this.toy.path(this.out, "metrics.jsonl");
    const size = () => exists(path) ? Deno.statSync(path).size : 0;
    let before = size();
    while (!isOver && size() <= before) {
      before = Math.min(before, size()); // what comes again is dropped first
      await pause(2);
    }
    await pause(ms);
    if (!isOver) child.kill("SIGKILL");
    return await isKilled(ended);
  }

  get #config(): string {
    return this.toy.path(`${this.out}.json`);
  }
}

async function isKilled(ended: Promise<Deno.CommandOutput>): Promise<boolean> {
  const { signal, success, stderr } = await ended;
  assert.ok(success || signal === "SIGKILL", new TextDecoder().decode(stderr));
  return !success;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Kills runs so many times in all, and holds each to the one that was left alone. */
async function crash(toy: Toy, settings: ToySettings, kills: number, seed: number): Promise<void> {
  await toy.train("whole", settings);
  let killed = 0;
  for (let run = 0; killed < kills; run++) {
    const victim = new Victim(toy, `killed ${run}`, settings);
    let isAlive = true;
    for (let i = 0; isAlive && killed < kills; i++) {
      const [draw, number] = [random(seed, killed), 1000 * run + i];
      isAlive = number % 2 === 0
        ? await victim.diesIn(Math.floor(draw * CALLS))
        : await victim.diesAfter(draw * MOMENTS);
      if (isAlive) killed++;
    }
    const ended = await victim.start().output();
    assert.ok(ended.success, new TextDecoder().decode(ended.stderr));
    assertSame(toy, victim.out);
  }
}

function assertSame(toy: Toy, out: string): void {
  assert.deepEqual(toy.adapter(out), toy.adapter("whole"));
  const numbers = (of: string) => toy.metrics(of).map(({ step, loss, lr }) => [step, loss, lr]);
  assert.deepEqual(numbers(out), numbers("whole"));
  const left = [...Deno.readDirSync(toy.path(out))].map(({ name }) => name);
  assert.deepEqual(left.filter((name) => name.endsWith(".tmp") || name === ".lock"), []);
  using history = new RunHistory(join(toy.folder, "runs.sqlite"));
  assert.equal(history.find(out).status, "done");
}

const each = KILLS / Object.keys(SCENARIOS).length;
for (const [i, [name, make]] of Object.entries(SCENARIOS).entries()) {
  Deno.test(`${each} kills, ${name}: the run ends with the bytes of one left alone`, async () => {
    using toy = new Toy();
    await crash(toy, make(toy), each, SEED + i);
  });
}
