/** How tests on the same documents are counted in the history of runs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { exists } from "../../src/io/files.ts";
import { HistoryAttempts } from "../../src/runs/history/attempts.ts";
import { RunHistory } from "../../src/runs/history/history.ts";
import { doneRun, unexpected, withRuns } from "./happenings.ts";

const fileIn = (folder: string) => join(folder, "runs.sqlite");

const ledgerOf = (folder: string, log = unexpected) =>
  new HistoryAttempts(fileIn(folder), "mine", log);

/** A test that is begun and ends. */
function attempt(folder: string, key: string, documents: readonly string[], passed: boolean) {
  const ledger = ledgerOf(folder);
  const found = ledger.begin({ documents, key });
  ledger.end(passed);
  return found;
}

Deno.test("attempts on any of the same documents are counted, those that failed apart", () =>
  withRuns((folder) => {
    assert.equal(ledgerOf(folder).failed(["a"]), 0);
    assert.ok(!exists(fileIn(folder)), "asking makes no file");
    assert.deepEqual(attempt(folder, "1", ["a", "b"], true), { number: 1, failed: 0 });
    assert.deepEqual(attempt(folder, "2", ["b", "c"], false), { number: 2, failed: 0 });
    assert.deepEqual(attempt(folder, "3", ["x", "y"], false), { number: 1, failed: 0 });
    assert.deepEqual(attempt(folder, "4", ["a"], true), { number: 2, failed: 0 });
    assert.deepEqual(attempt(folder, "5", ["a", "c", "y"], true), { number: 5, failed: 2 });
    assert.equal(ledgerOf(folder).failed(["b"]), 1);
  }));

Deno.test("the same test again is the same attempt, with what had failed before it", () =>
  withRuns((folder) => {
    attempt(folder, "1", ["a"], false);
    assert.deepEqual(attempt(folder, "2", ["a"], true), { number: 2, failed: 1 });
    attempt(folder, "3", ["a"], false);
    assert.deepEqual(attempt(folder, "2", ["a"], true), { number: 2, failed: 1 });
    assert.deepEqual(attempt(folder, "1", ["a"], false), { number: 1, failed: 0 });
    assert.deepEqual(attempt(folder, "4", ["a"], true), { number: 4, failed: 2 });
  }));

Deno.test("a test that never ended counts as one that failed", () =>
  withRuns((folder) => {
    ledgerOf(folder).begin({ documents: ["a"], key: "1" });
    assert.deepEqual(attempt(folder, "2", ["a"], true), { number: 2, failed: 1 });
  }));

Deno.test("attempts outlive the runs that made them", () =>
  withRuns((folder) => {
    doneRun(folder, "mine");
    attempt(folder, "1", ["a"], false);
    using history = new RunHistory(fileIn(folder));
    history.remove(history.runs().map(({ id }) => id));
    assert.equal(ledgerOf(folder).failed(["a"]), 1);
  }));

Deno.test("a history of before attempts were counted has its runs and counts from now on", () =>
  withRuns((folder) => {
    doneRun(folder, "mine");
    const version = () => {
      using db = new DatabaseSync(fileIn(folder));
      return db.prepare("PRAGMA user_version").get()!["user_version"];
    };
    {
      using db = new DatabaseSync(fileIn(folder));
      db.exec("DROP TABLE attempt_documents; DROP TABLE attempts; PRAGMA user_version = 1");
    }
    assert.equal(version(), 1);
    {
      using history = new RunHistory(fileIn(folder));
      assert.deepEqual(history.runs().map(({ name }) => name), ["mine"]);
    }
    assert.equal(version(), 2);
    assert.deepEqual(attempt(folder, "1", ["a"], false), { number: 1, failed: 0 });
    assert.deepEqual(attempt(folder, "2", ["a"], false), { number: 2, failed: 1 });
  }));

Deno.test("a history that cannot be used counts nothing, says so, and is left as it is", () =>
  withRuns((folder) => {
    Deno.writeTextFileSync(fileIn(folder), "no database, ".repeat(99));
    const said: string[] = [];
    const ledger = ledgerOf(folder, (line) => said.push(line));
    assert.equal(ledger.failed(["a"]), null);
    assert.equal(ledger.begin({ documents: ["a"], key: "1" }), null);
    ledger.end(true);
    assert.equal(said.length, 2);
    for (const line of said) {
      assert.match(line, /file is not a database; the certificate's attempts are not counted$/);
    }
    assert.match(Deno.readTextFileSync(fileIn(folder)), /^no database, no/);
  }));
