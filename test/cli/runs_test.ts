import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { columns } from "../../src/cli/lib/columns.ts";
import { run } from "../../src/cli/runs.ts";
import { historyListener } from "../../src/runs/history/listener.ts";
import { claimed, doneRun, start, unexpected, update, withRuns } from "../runs/happenings.ts";
import { capture } from "./capture.ts";

/** Three runs that are done, and one that is not. */
function withSome(use: (folder: string) => Promise<void>): Promise<void> {
  return withRuns(async (folder) => {
    doneRun(folder, "first", { loss: 2, measured: { eval_loss: 2.5 } });
    doneRun(folder, "second", {
      loss: 1.23456,
      measured: { eval_loss: 1.5, forgetting: 0.01 },
      flags: { "train.lr": "0.01", "adapter.rank": "4" },
    });
    doneRun(folder, "third", { loss: 3 });
    const out = join(folder, "failed");
    const listen = historyListener(out, unexpected);
    listen(start(out, { steps: 20 }));
    listen(update(0, 0.5));
    listen({ kind: "fault", error: new Error("The GPU is gone") });
    await use(folder);
  });
}

const lines = (text: string) => text.trimEnd().split("\n");

async function ask(folder: string, ...args: string[]) {
  const { code, stdout } = await capture(run, ...args, "--from", folder);
  assert.equal(code, 0);
  return stdout;
}

const askJson = async (folder: string, ...args: string[]) =>
  JSON.parse(await ask(folder, ...args, "--json"));

Deno.test("runs lists the newest first, in columns", () =>
  withSome(async (folder) => {
    const [head, ...rows] = lines(await ask(folder, "list"));
    assert.match(
      head!,
      /^ID +NAME +STATUS +WHEN +UPDATES +LOSS +EVAL_LOSS +FORGETTING +MODEL +DATA$/,
    );
    assert.deepEqual(
      rows.map((row) => row.split(/  +/).filter((cell) => cell !== "")).map(
        ([id, name, status, when, ...rest]) => {
          assert.match(when!, /^\d{4}-\d\d-\d\d \d\d:\d\d$/);
          return [id!.trim(), name, status, ...rest];
        },
      ),
      [
        ["4", "failed", "failed", "1/20", "0.5", "base", "rows.jsonl"],
        ["3", "third", "done", "1/1", "3", "base", "rows.jsonl"],
        ["2", "second", "done", "1/1", "1.235", "1.5", "0.01", "base", "rows.jsonl"],
        ["1", "first", "done", "1/1", "2", "2.5", "base", "rows.jsonl"],
      ],
    );
    const { runs } = await askJson(folder);
    assert.deepEqual(runs.map(({ id }: { id: number }) => id), [4, 3, 2, 1]);
    assert.equal(runs[0].error, "The GPU is gone");
  }));

Deno.test("runs show: a number, a name and a path name the same run", () =>
  withSome(async (folder) => {
    const shown = await ask(folder, "show", "2");
    assert.equal(await ask(folder, "show", "second"), shown);
    const { stdout } = await capture(run, "show", join(folder, "second"));
    assert.equal(stdout, shown);
    assert.match(shown, /^run +2: second, done\nfolder +\/.*second\nwhen +\d+-/);
    assert.match(shown, /^device +a device \(software\), 4 MiB$/m);
    assert.match(
      shown,
      /^settings +adapter.rank 4 \(flag\)\n +train.steps 1 \(flag\)\n +train.lr 0.01 \(flag\)$/m,
    );
    assert.match(shown, /^figures +loss 1.235, eval_loss 1.5, forgetting 0.01, lr 0.0001,/m);
    assert.match(await ask(folder, "show", "failed"), /^run +4: failed, failed: The GPU is gone$/m);
    const json = await askJson(folder, "show", "second");
    assert.equal(json.config.adapter.rank, 4);
    assert.equal(json.updates[0].loss, 1.23456);
  }));

Deno.test("runs show: what was measured and sampled on the way", () =>
  withRuns(async (folder) => {
    const out = join(folder, "mine");
    const listen = historyListener(out, unexpected);
    listen(start(out));
    for (let step = 0; step < 12; step++) {
      listen({ kind: "measure", step, values: step === 9 ? { a: step, b: 1 } : { a: step } });
    }
    listen({ kind: "sample", step: 8, samples: [{ prompt: "Say\n", text: "no" }] });
    const shown = lines(await ask(folder, "show", "mine"));
    const at = shown.indexOf("step   a  b");
    assert.deepEqual(shown.slice(at + 1, at + 4), ["   2   2", "   3   3", "   4   4"]);
    assert.deepEqual(shown.slice(at + 8, at + 11), ["   9   9  1", "  10  10", "  11  11"]);
    assert.deepEqual(shown.slice(-2), ["samples after 8 updates", '"Say\\n" -> "no"']);
    listen({ kind: "fault", error: new Error("over") });
  }));

Deno.test("runs compare shows the settings that differ, and both sides' figures", () =>
  withSome(async (folder) => {
    const rows = lines(await ask(folder, "compare", "first", "2"))
      .map((line) => line.trim().split(/  +/));
    assert.deepEqual(rows.slice(0, 6), [
      ["1: first", "2: second"],
      ["status", "done", "done"],
      ["updates", "1/1", "1/1"],
      ["adapter.rank", "16", "4"],
      ["adapter.alpha", "32", "8"],
      ["train.lr", "0.0002", "0.01"],
    ]);
    const figures = Object.fromEntries(rows.slice(6).map(([name, ...cells]) => [name, cells]));
    assert.deepEqual(figures["loss"], ["2", "1.235", "-0.7654"]);
    assert.deepEqual(figures["eval_loss"], ["2.5", "1.5", "-1"]);
    assert.deepEqual(figures["forgetting"], ["0.01"]);
    const json = await askJson(folder, "compare", "1", "2");
    assert.deepEqual(json.runs, [1, 2]);
    assert.deepEqual(json.settings.at(-1), { key: "train.lr", a: 2e-4, b: 0.01 });
    assert.deepEqual(json.figures[0], { name: "loss", a: 2, b: 1.23456 });
  }));

Deno.test("runs best orders the runs that are done by a figure", () =>
  withSome(async (folder) => {
    const ids = async (...args: string[]) =>
      (await askJson(folder, "best", ...args)).runs.map(({ id }: { id: number }) => id);
    assert.deepEqual(await ids("--by", "loss"), [2, 1, 3]);
    assert.deepEqual(await ids("--by", "loss", "--highest"), [3, 1, 2]);
    assert.deepEqual(await ids("--by", "eval_loss"), [2, 1]); // the third has none
    const [head, first] = lines(await ask(folder, "best", "--by", "eval_loss"));
    assert.match(head!, /LOSS +EVAL_LOSS +MODEL/);
    assert.match(first!, /^ 2 +second /);
    await assert.rejects(ask(folder, "best", "--by", "eval_los"), {
      name: "ConfigError",
      message: "Found no run that is done with the figure eval_los, the nearest is eval_loss",
    });
    await assert.rejects(ask(folder, "best"), { message: /^Wanted --by METRIC/ });
  }));

Deno.test("runs remove takes rows out, and folders only where that is asked for", () =>
  withSome(async (folder) => {
    const there = (name: string) => existsSync(join(folder, name));
    assert.equal(await ask(folder, "remove", "first"), "removed 1\n");
    assert.ok(there("first"));
    assert.deepEqual(await askJson(folder, "remove", "2", "second", "--files"), {
      removed: [{ id: 2, folder: join(folder, "second") }],
    });
    assert.ok(!there("second"));
    using db = new DatabaseSync(join(folder, "runs.sqlite"));
    const events = db.prepare("SELECT run FROM events ORDER BY run").all();
    assert.deepEqual(events.map(({ run }) => run), [3, 4]);
    // A run whose folder is gone, and one that a later run took the place of.
    assert.equal(await ask(folder, "remove", "failed", "--files"), "removed 4\n");
    Deno.removeSync(join(folder, "third"), { recursive: true });
    doneRun(folder, "third");
    assert.equal(await ask(folder, "remove", "3", "--files"), "removed 3\n");
    assert.ok(there("third"));
    const { runs } = await askJson(folder, "list");
    assert.deepEqual(runs.map(({ id }: { id: number }) => id), [5]); // no number comes twice
  }));

Deno.test("runs remove does all of it or nothing", () =>
  withSome(async (folder) => {
    const left = async () => (await askJson(folder, "list")).runs.length;
    await assert.rejects(ask(folder, "remove", "1", "9"), { name: "ConfigError" });
    Deno.writeTextFileSync(join(folder, "third/config.json"), "{}");
    await assert.rejects(ask(folder, "remove", "2", "third", "--files"), {
      name: "FileError",
      message: /third: found no run in it, wanted a run folder$/,
    });
    const out = join(folder, "under way");
    using _lock = claimed(out);
    const listen = historyListener(out, unexpected);
    listen(start(out));
    await assert.rejects(ask(folder, "remove", "1", "under way"), {
      message: "Found run 5 (under way) running, wanted it stopped",
    });
    assert.equal(await left(), 5);
    assert.ok(existsSync(join(folder, "second")));
    listen({ kind: "fault", error: new Error("over") });
  }));

Deno.test("runs names what is near to a name that it does not know", () =>
  withSome(async (folder) => {
    await assert.rejects(ask(folder, "show", "secnd"), {
      name: "ConfigError",
      message: /^Found no run secnd in .*runs.sqlite, did you mean "second"$/,
    });
    await assert.rejects(ask(folder, "show", join(folder, "elsewhere", "first")), {
      name: "ConfigError",
    });
    assert.throws(() => run(["lst"]), {
      message: "Found the unknown command runs lst, the nearest is list",
    });
    assert.throws(() => run(["--help"]), { name: "HelpWanted", message: /runs compare A B/ });
    await assert.rejects(ask(join(folder, "first"), "list"), {
      name: "FileError",
      message: /^Found no .*first\/runs.sqlite, wanted the history of the runs in that folder$/,
    });
  }));

Deno.test("columns() cuts what does not fit", () => {
  const rows = [["a", "1", "x"], ["bcd", "20", "yz"]];
  assert.deepEqual(columns(rows, { right: [1] }), ["a     1  x", "bcd  20  yz"]);
  assert.deepEqual(columns(rows, { right: [1], width: 10 }), ["a     1  x", "bcd  20  …"]);
});
