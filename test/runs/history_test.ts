/** What the history has of a run, and what becomes of a run whose history cannot be written. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RunEvent } from "../../src/runs/events.ts";
import { historyOf } from "../../src/runs/history/database.ts";
import { figuresOf, RunHistory } from "../../src/runs/history/history.ts";
import { historyListener } from "../../src/runs/history/listener.ts";
import {
  claimed,
  doneRun,
  end,
  metricsOf,
  start,
  stopped,
  unexpected,
  update,
  withRuns,
} from "./happenings.ts";

/** Lets these things happen in a run. */
function happen(out: string, events: readonly RunEvent[], log = unexpected): void {
  const listen = historyListener(out, log);
  for (const event of events) listen(event);
}

/** What the history of a folder has. */
function read<T>(folder: string, use: (history: RunHistory) => T): T {
  using history = new RunHistory(join(folder, "runs.sqlite"));
  return use(history);
}

Deno.test("the history has a run as it happened", () =>
  withRuns((folder) => {
    const out = join(folder, "mine");
    using _lock = claimed(out);
    const began = start(out);
    const listen = historyListener(out, unexpected);
    listen({ kind: "log", line: "reading" }); // before the run starts
    listen(began);
    listen(update(0, 5));
    listen({ kind: "measure", step: 1, values: { eval_loss: 4 } });
    listen({ kind: "measure", step: 1, values: { forgetting: 0.1 } });
    listen({ kind: "sample", step: 1, samples: [{ prompt: "a", text: "b" }] });
    listen(update(1, 4.5));
    listen({ kind: "checkpoint", step: 2, path: join(out, "checkpoints/step-2.safetensors") });
    read(folder, (history) => {
      const [run] = history.runs();
      assert.equal(run!.status, "running");
      assert.equal(run!.done, 2);
      assert.equal(run!.last!.loss, 4.5);
    });
    listen(end(10, { eval_loss: 3 }));
    read(folder, (history) => {
      const runs = history.runs();
      assert.equal(runs.length, 1);
      const { started, seen, seconds, versions, ...run } = runs[0]!;
      assert.deepEqual(run, {
        id: 1,
        name: "mine",
        folder: out,
        status: "done",
        error: null,
        trains: "adapter",
        steps: 10,
        done: 10,
        config: JSON.parse(JSON.stringify(began.config)),
        origin: began.origin,
        device: began.device,
        memory: began.memory,
        last: metricsOf(1, 4.5),
        measured: { eval_loss: 3 },
      });
      assert.ok(seen >= started && seconds >= 0 && Date.now() - started.getTime() < 60_000);
      assert.match(versions["graft"]!, /^\d+\.\d+\.\d+$/);
      assert.deepEqual(history.events(1), {
        updates: [metricsOf(0, 5), metricsOf(1, 4.5)],
        measures: [{ step: 1, values: { eval_loss: 4, forgetting: 0.1 } }],
        samples: [{ step: 1, samples: [{ prompt: "a", text: "b" }] }],
        checkpoints: [{ step: 2, name: "step-2.safetensors" }],
      });
      const { loss, eval_loss: evalLoss } = figuresOf(runs[0]!);
      assert.deepEqual([loss, evalLoss], [4.5, 3]);
    });
  }));

Deno.test("a resumed run goes on in its row, without what it does again", () =>
  withRuns((folder) => {
    doneRun(folder, "other");
    const out = join(folder, "mine");
    using _lock = claimed(out);
    const checkpoint = (step: number): RunEvent => ({
      kind: "checkpoint",
      step,
      path: `at-${step}`,
    });
    happen(out, [
      start(out),
      update(0),
      update(1),
      checkpoint(2),
      update(2),
      update(3),
      stopped(4),
    ]);
    read(folder, (history) => assert.equal(history.find("mine").status, "stopped"));
    happen(out, [start(out, { done: 2, steps: 4 }), update(2, 7)]);
    read(folder, (history) => {
      const { id, status, steps, done } = history.find("mine");
      assert.deepEqual({ id, status, steps, done }, {
        id: 2,
        status: "running",
        steps: 4,
        done: 3,
      });
      const { updates, checkpoints } = history.events(id);
      assert.deepEqual(updates.map(({ step, loss }) => [step, loss]), [[0, 5], [1, 4.9], [2, 7]]);
      assert.deepEqual(checkpoints, [{ step: 2, name: "at-2" }]);
      assert.equal(history.runs().length, 2);
    });
  }));

Deno.test("a new run in a folder of that name is a new row, and a resumed one without a row too", () =>
  withRuns((folder) => {
    const out = join(folder, "mine");
    happen(out, [start(out), end(10)]);
    happen(out, [start(out), end(10)]);
    happen(join(folder, "lost"), [start(join(folder, "lost"), { done: 5 }), end(10)]);
    read(folder, (history) => {
      assert.deepEqual(history.runs().map(({ id, name }) => [id, name]), [
        [3, "lost"],
        [2, "mine"],
        [1, "mine"],
      ]);
      assert.equal(history.find("mine").id, 2);
    });
  }));

Deno.test("a run that fails is there with its sentence; one that was refused is not", () =>
  withRuns((folder) => {
    const error = new RangeError("The loss of step 3 is NaN");
    happen(join(folder, "refused"), [{ kind: "fault", error }]);
    assert.throws(() => read(folder, () => {}), {
      name: "FileError",
      message: /^Found no .*runs.sqlite/,
    });
    happen(join(folder, "mine"), [start(join(folder, "mine")), update(0), {
      kind: "fault",
      error,
    }]);
    read(folder, (history) => {
      const [run, ...more] = history.runs();
      assert.deepEqual([run!.status, run!.error, run!.done], ["failed", error.message, 1]);
      assert.equal(more.length, 0);
    });
  }));

Deno.test("a number that is none is null in the history, as in metrics.jsonl", () =>
  withRuns((folder) => {
    const out = join(folder, "mine");
    happen(out, [start(out), update(0, NaN), end(1)]);
    assert.equal(read(folder, (history) => history.runs()[0]!.last!.loss), null);
  }));

/** What a run says whose history is `file`. */
function withFile(write: (path: string) => void): Promise<string[]> {
  const said: string[] = [];
  return withRuns((folder) => {
    const out = join(folder, "mine");
    write(historyOf(out));
    happen(out, [start(out), update(0), update(1), end(2)], (line) => said.push(line));
  }).then(() => said);
}

const OUT = "; the run goes on, but is not in its history";

Deno.test("a history that is damaged or another's does not stop a run, which says so once", async () => {
  const database = (sql: string) => (path: string) => {
    using db = new DatabaseSync(path);
    db.exec(sql);
  };
  const version = database("PRAGMA application_id = 0x47524654; PRAGMA user_version = 7");
  const cases: [(path: string) => void, RegExp][] = [
    [(path) => Deno.writeTextFileSync(path, "no database, ".repeat(99)), /file is not a database/],
    [database("CREATE TABLE theirs (x)"), /found another program's file, wanted a run history/],
    [version, /found version 7 of the run history, wanted 2, the newest that this Graft knows/],
    [(path) => Deno.mkdirSync(path), /unable to open database file/],
  ];
  for (const [write, words] of cases) {
    const [line, ...more] = await withFile(write);
    assert.match(line!, words);
    assert.ok(line!.startsWith("Cannot use /") && line!.endsWith(OUT), line);
    assert.deepEqual(more, []);
  }
});

Deno.test("a newer history is refused to its readers as well, and left as it is", () =>
  withRuns((folder) => {
    const path = join(folder, "runs.sqlite");
    doneRun(folder, "mine");
    using db = new DatabaseSync(path);
    db.exec("PRAGMA user_version = 3");
    assert.throws(() => new RunHistory(path), { name: "FileError", message: /found version 3/ });
    assert.equal(db.prepare("SELECT count(*) AS n FROM runs").get()!["n"], 1);
  }));

Deno.test("a run goes on while another program holds the history, and writes it afterwards", () =>
  withRuns((folder) => {
    doneRun(folder, "first");
    using db = new DatabaseSync(join(folder, "runs.sqlite"));
    const said: string[] = [];
    const out = join(folder, "mine");
    const listen = historyListener(out, (line) => said.push(line));
    listen(start(out));
    db.exec("BEGIN IMMEDIATE");
    for (let step = 0; step < 50; step++) listen(update(step)); // waits once, not 50 times
    assert.equal(said.length, 1);
    assert.match(
      said[0]!,
      /another program holds it .*; the run goes on, and its history is written once/,
    );
    db.exec("ROLLBACK");
    listen(update(50));
    listen(end(51));
    read(folder, (history) => {
      const { id, status } = history.find("mine");
      assert.equal(status, "done");
      assert.equal(history.events(id).updates.length, 51);
    });
    assert.equal(said.length, 1);
  }));

Deno.test("a run that ends while another program holds the history says what is missing", () =>
  withRuns((folder) => {
    doneRun(folder, "first");
    using db = new DatabaseSync(join(folder, "runs.sqlite"));
    const said: string[] = [];
    const out = join(folder, "mine");
    db.exec("BEGIN IMMEDIATE");
    happen(out, [start(out), update(0), end(1)], (line) => said.push(line));
    assert.equal(said.length, 2);
    assert.match(said[1]!, /; the end of this run is not in its history$/);
    db.exec("ROLLBACK");
    assert.equal(read(folder, (history) => history.runs().length), 1);
  }));
