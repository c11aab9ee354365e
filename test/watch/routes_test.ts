/** What the page of runs is told, of runs that go on and runs that go. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { listen as listenTo } from "../../src/http/server.ts";
import { historyListener } from "../../src/runs/history/listener.ts";
import { RunHistory } from "../../src/runs/history/history.ts";
import { watchRoutes } from "../../src/watch/routes.ts";
import { claimed, doneRun, end, start, unexpected, update, withRuns } from "../runs/happenings.ts";

/** Runs `action` with a folder of runs and the address of a page that shows them. */
function withPage(action: (folder: string, address: string) => Promise<void>): Promise<void> {
  return withRuns(async (folder) => {
    const gate = { hostname: "127.0.0.1", port: 0, token: null };
    const server = listenTo(watchRoutes(join(folder, "runs.sqlite"), 10), gate);
    try {
      await action(folder, `http://127.0.0.1:${server.addr.port}`);
    } finally {
      await server.shutdown();
    }
  });
}

Deno.test("the list, a run and a comparison are what the history has", () =>
  withPage(async (folder, address) => {
    doneRun(folder, "one");
    doneRun(folder, "two");
    const get = async (path: string) => await (await fetch(`${address}${path}`)).json();
    const runs = await get("/api/runs");
    assert.deepEqual(
      runs.map(({ id, name, status }: Record<string, unknown>) => [id, name, status]),
      [[2, "two", "done"], [1, "one", "done"]],
    );
    const run = await get("/api/run?id=1");
    assert.equal(run.name, "one");
    assert.equal(run.curves.steps.length, run.curves.fields.loss.length);
    assert.match(run.config.model, /base$/);
    const { settings, figures } = await get("/api/compare?id=1&id=2");
    assert.deepEqual(settings, []);
    const { values } = figures.find(({ name }: { name: string }) => name === "loss");
    assert.equal(values[0], values[1]);
    const page = await fetch(address);
    assert.doesNotMatch(
      (await page.text()).replace(/\/\*[^]*?\*\//g, ""),
      /https?:\/\/(?!www\.w3)/,
    );
  }));

Deno.test("a page follows a run live, and a run that is removed under it goes", () =>
  withPage(async (folder, address) => {
    const out = join(folder, "live");
    using _lock = claimed(out);
    const listen = historyListener(out, unexpected);
    listen(start(out));
    const leaving = new AbortController();
    const response = await fetch(`${address}/api/changes`, { signal: leaving.signal });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    const until = async (wanted: (change: Change) => boolean): Promise<Change> => {
      for (;;) {
        const at = rest.indexOf("\n\n");
        if (at < 0) {
          rest += (await reader.read()).value ?? "";
          continue;
        }
        const change = JSON.parse(rest.slice("data: ".length, at));
        rest = rest.slice(at + 2);
        if (wanted(change)) return change;
      }
    };
    const began = await until(({ changed }) => changed.length > 0);
    assert.deepEqual([began.changed[0]!.status, began.changed[0]!.done], ["running", 0]);
    listen(update(0, 5));
    const went = await until(({ changed }) => changed.length > 0);
    assert.deepEqual([went.changed[0]!.done, went.changed[0]!.loss], [1, 5]);
    listen(end(1, {}));
    assert.equal((await until(({ changed }) => changed.length > 0)).changed[0]!.status, "done");
    {
      using history = new RunHistory(join(folder, "runs.sqlite"));
      history.remove([1]);
    }
    assert.deepEqual((await until(({ gone }) => gone.length > 0)).gone, [1]);
    const missing = await fetch(`${address}/api/run?id=1`);
    assert.equal(missing.status, 404);
    assert.match((await missing.json()).error.message, /Found no run 1/);
    leaving.abort();
    await reader.cancel().catch(() => {});
  }));

interface Change {
  readonly changed: readonly { status: string; done: number; loss: number }[];
  readonly gone: readonly number[];
}

Deno.test("a question without its number, of too many or of a missing file is refused", () =>
  withPage(async (folder, address) => {
    const refused = async (path: string, status: number, words: RegExp) => {
      const response = await fetch(`${address}${path}`);
      assert.equal(response.status, status);
      assert.match((await response.json()).error.message, words);
    };
    await refused("/api/runs", 500, /Found no .*runs\.sqlite/);
    doneRun(folder, "one");
    await refused("/api/run", 400, /id: found none/);
    await refused("/api/run?id=../x", 404, /Found no run/);
    await refused(`/api/compare?${"id=1&".repeat(9)}`, 400, /id: found 9, wanted 1 to 8/);
    await refused("/api/nothing", 404, /found no \/api\/nothing/);
  }));
