/** Each call of SQLite fails in turn: no run is harmed, and the history holds whole steps or less. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import type { RunEvent } from "../../src/runs/events.ts";
import { RunHistory } from "../../src/runs/history/history.ts";
import { historyListener } from "../../src/runs/history/listener.ts";
import { doneRun, end, start, update, withRuns } from "../runs/happenings.ts";

// deno-lint-ignore no-explicit-any -- methods of all signatures are put in each other's place
type Any = any;

/** Runs `work` with calls of SQLite that `decide` may throw from; says how many there were. */
function onSqlite(decide: (call: number) => void, work: () => void): number {
  const restore: (() => void)[] = [];
  let calls = 0;
  for (
    const [of, name] of [
      [DatabaseSync, "exec"],
      [DatabaseSync, "prepare"],
      [StatementSync, "run"],
      [StatementSync, "get"],
    ] as const
  ) {
    const proto: Any = of.prototype;
    const real = proto[name];
    proto[name] = function (...given: unknown[]) {
      decide(calls++);
      return real.apply(this, given);
    };
    restore.push(() => proto[name] = real);
  }
  try {
    work();
  } finally {
    for (const undo of restore) undo();
  }
  return calls;
}

const FAULTS = { 13: "database or disk is full", 10: "disk I/O error", 8: "attempt to write" };

const happened = (out: string): RunEvent[] => [
  start(out, { steps: 4 }),
  update(0),
  update(1),
  { kind: "checkpoint", step: 2, path: join(out, "step-2.safetensors") },
  { kind: "back", step: 2, reason: "a test", to: 1, rate: 0.5, blackBox: null },
  update(1),
  update(2),
  update(3),
  end(4, { eval_loss: 1 }),
];

/** A history with a run that is done, and another whose calls meet what `decide` throws. */
function recorded(folder: string, decide: (call: number) => void) {
  doneRun(folder, "before", { loss: 1 });
  const out = join(folder, "run");
  Deno.mkdirSync(out);
  const said: string[] = [];
  const listen = historyListener(out, (line) => said.push(line));
  const calls = onSqlite(decide, () => {
    for (const event of happened(out)) listen(event);
  });
  return { said, calls };
}

/** What the history holds of the second run, which adds up. */
function held(folder: string): string | null {
  using history = new RunHistory(join(folder, "runs.sqlite"));
  const [first, ...rest] = history.runs();
  const before = rest.at(-1) ?? first!;
  assert.equal(before.name, "before");
  assert.equal(before.status, "done");
  assert.equal(history.events(before.id).updates.length, 1);
  if (rest.length === 0) return null;
  const { updates } = history.events(first!.id);
  assert.deepEqual(updates.map(({ step }) => step), [...Array(updates.length).keys()]);
  assert.ok(first!.done >= updates.length);
  return first!.status;
}

Deno.test("a fault at any call of SQLite leaves a history that adds up, and says so", () =>
  withRuns(async (folder) => {
    const whole = join(folder, "whole");
    Deno.mkdirSync(whole);
    const { calls } = recorded(whole, () => {});
    assert.equal(held(whole), "done");
    for (const [errcode, words] of Object.entries(FAULTS)) {
      for (let at = 0; at < calls; at++) {
        const one = join(folder, `${errcode} ${at}`);
        Deno.mkdirSync(one);
        const { said } = recorded(one, (call) => {
          if (call !== at) return;
          throw Object.assign(new Error(words), { code: "ERR_SQLITE_ERROR", errcode });
        });
        const status = held(one);
        assert.ok(status === "done" || said.length === 1, `call ${at}: ${status}, ${said}`);
        if (said.length > 0) assert.match(said[0]!, new RegExp(`runs\\.sqlite: ${words}; the `));
        Deno.removeSync(one, { recursive: true });
      }
    }
    await Promise.resolve();
  }));
