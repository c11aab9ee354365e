/**
 * Counts tests on the same documents in the history of runs, whichever of its runs makes them.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { FileError } from "../../errors.ts";
import { isFile } from "../../io/files.ts";
import type { Attempt, AttemptLedger, TestSubject } from "../../objectives/attempts.ts";
import { historyOf, openHistory, transaction } from "./database.ts";

/** Milliseconds that a test waits for another program. */
const PATIENCE = 2000;

/** Earlier attempts on any of some documents, below an id. */
const EARLIER = `
  FROM attempts WHERE id < ? AND id IN (
    SELECT attempt FROM attempt_documents WHERE document IN (SELECT value FROM json_each(?))
  )`;

/**
 * The tests of a history. One that cannot be read or written harms nobody: `log` gets a line, and the
 * test is not counted.
 */
export class HistoryAttempts implements AttemptLedger {
  readonly #path: string;
  readonly #name: string;
  readonly #log: (line: string) => void;
  #under: number | null = null;

  /** Of the history in a file, for the run or adapter of that name. */
  constructor(path: string, name: string, log: (line: string) => void) {
    this.#path = path;
    this.#name = name;
    this.#log = log;
  }

  failed(documents: readonly string[]): number | null {
    if (!isFile(this.#path)) return 0;
    return this.#try((db) => failedBefore(db, Number.MAX_SAFE_INTEGER, documents));
  }

  begin({ documents, key }: TestSubject): Attempt | null {
    return this.#try((db) => {
      const same = db.prepare("SELECT id, failed FROM attempts WHERE key = ?").get(key);
      const { id, failed } = same as { id: number; failed: number } | undefined ??
        this.#add(db, documents, key);
      this.#under = id;
      const before = db.prepare(`SELECT count(*) AS n ${EARLIER}`)
        .get(id, JSON.stringify(documents))!["n"] as number;
      return { number: before + 1, failed };
    });
  }

  end(passed: boolean): void {
    if (this.#under === null) return;
    const id = this.#under;
    this.#under = null;
    this.#try((db) => db.prepare("UPDATE attempts SET passed = ? WHERE id = ?").run(+passed, id));
  }

  #add(db: DatabaseSync, documents: readonly string[], key: string) {
    const failed = failedBefore(db, Number.MAX_SAFE_INTEGER, documents);
    const { lastInsertRowid } = db.prepare(
      "INSERT INTO attempts (at, name, key, failed) VALUES (?, ?, ?, ?)",
    ).run(new Date().toISOString(), this.#name, key, failed);
    const id = Number(lastInsertRowid);
    db.prepare(
      "INSERT OR IGNORE INTO attempt_documents SELECT value, ? FROM json_each(?)",
    ).run(id, JSON.stringify(documents));
    return { id, failed };
  }

  #try<T>(action: (db: DatabaseSync) => T): T | null {
    try {
      const db = openHistory(this.#path, { patience: PATIENCE, create: true });
      try {
        return transaction(db, this.#path, () => action(db));
      } finally {
        db.close();
      }
    } catch (fault) {
      if (!(fault instanceof FileError)) throw fault;
      this.#log(`${fault.message}; the certificate's attempts are not counted`);
      return null;
    }
  }
}

/** The tests of the history beside the folder of a run, made for what is written in `out`. */
export const attemptsOf = (run: string, out: string, log: (line: string) => void) =>
  new HistoryAttempts(historyOf(run), basename(resolve(out)), log);

/** One that never ended may have been looked at. */
const failedBefore = (db: DatabaseSync, id: number, documents: readonly string[]): number =>
  db.prepare(`SELECT count(*) AS n ${EARLIER} AND passed IS NOT 1`)
    .get(id, JSON.stringify(documents))!["n"] as number;
