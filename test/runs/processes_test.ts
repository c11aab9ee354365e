/** Runs of several processes in one history, and a run whose process is killed. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RunHistory } from "../../src/runs/history/history.ts";
import { historyListener } from "../../src/runs/history/listener.ts";
import { claimed, start, unexpected, update, withRuns } from "./happenings.ts";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));

function child(out: string, updates: number): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", CHILD, out, String(updates)],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("two processes write their runs into a new history at once", () =>
  withRuns(async (folder) => {
    const names = ["a", "b", "c"];
    const outputs = await Promise.all(
      names.map((name) => child(join(folder, name), 1000).output()),
    );
    for (const { code, stderr } of outputs) assert.equal(code, 0, new TextDecoder().decode(stderr));
    using history = new RunHistory(join(folder, "runs.sqlite"));
    for (const name of names) {
      const { id, status, done, last } = history.find(name);
      assert.deepEqual([status, done, last!.loss], ["done", 1000, 999]);
      assert.equal(history.events(id).updates.length, 1000);
    }
  }));

Deno.test("a run whose process was killed is interrupted, and goes on in its row", () =>
  withRuns(async (folder) => {
    const out = join(folder, "mine");
    const process = child(out, -3);
    const reader = process.stdout.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "under way\n");
    const read = () => {
      using history = new RunHistory(join(folder, "runs.sqlite"));
      const { status, done } = history.find("mine");
      return { status, done };
    };
    assert.deepEqual(read(), { status: "running", done: 3 });
    process.kill("SIGKILL");
    await reader.cancel();
    await process.stderr.cancel();
    await process.status;
    assert.deepEqual(read(), { status: "interrupted", done: 3 });
    using _lock = claimed(out);
    const listen = historyListener(out, unexpected);
    listen(start(out, { steps: 9, done: 2 }));
    for (let step = 2; step < 5; step++) listen(update(step));
    assert.deepEqual(read(), { status: "running", done: 5 });
    listen({ kind: "fault", error: new Error("no more") });
  }));
