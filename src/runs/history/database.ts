/**
 * The file of a run history, `runs.sqlite` beside the folders of its runs: its tables, and how it is
 * opened.
 *
 * @module
 */
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FileError } from "../../errors.ts";
import { isDenied, isFile } from "../../io/files.ts";

/** The file that has the run of a folder. */
export const historyOf = (runFolder: string): string =>
  join(dirname(resolve(runFolder)), "runs.sqlite");

/** `PRAGMA application_id`: tells a history from another program's file. */
const APPLICATION = 0x47524654; // "GRFT"

/** `PRAGMA user_version`. */
const VERSION = 2;

/** Tests on documents, since version 2. They outlive the runs that made them. */
const ATTEMPTS = `
CREATE TABLE attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  name TEXT NOT NULL,              -- of the folder of the run or adapter
  key TEXT NOT NULL UNIQUE,        -- a hash of all that decides how the test ends
  failed INTEGER NOT NULL,         -- how many on the same documents had failed before
  passed INTEGER                   -- 1 or 0; null until it has ended
) STRICT;
CREATE TABLE attempt_documents (
  document TEXT NOT NULL,          -- a hash of its token ids
  attempt INTEGER NOT NULL REFERENCES attempts,
  PRIMARY KEY (document, attempt)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = ${VERSION};
`;

/** Times are UTC in ISO 8601; `config`, `origin`, `device`, ... and `data` are JSON. */
const TABLES = `
CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,              -- of the folder, which lies beside this file
  trains TEXT NOT NULL,            -- adapter or pretrain
  status TEXT NOT NULL,            -- running, done, stopped or failed
  error TEXT,                      -- of a failed one
  started TEXT NOT NULL,
  seen TEXT NOT NULL,              -- when it last wrote here
  seconds REAL NOT NULL,           -- that it ran, without the time before it was resumed
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  steps INTEGER NOT NULL,          -- updates of the whole run
  done INTEGER NOT NULL,           -- updates done
  config TEXT NOT NULL,
  origin TEXT NOT NULL,
  device TEXT NOT NULL,
  memory TEXT NOT NULL,            -- bytes
  versions TEXT NOT NULL,
  measured TEXT NOT NULL           -- at the end
) STRICT;
CREATE INDEX runs_by_name ON runs (name);
CREATE TABLE events (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  kind TEXT NOT NULL,              -- update, measure, sample or checkpoint
  step INTEGER NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (run, kind, step)
) STRICT, WITHOUT ROWID;
PRAGMA application_id = ${APPLICATION};
${ATTEMPTS}`;

/** This machine's name, or none where a program may not know it. */
export function hostName(): string {
  try {
    return hostname();
  } catch (fault) {
    if (isDenied(fault)) return "";
    throw fault;
  }
}

/** Another program holds the file. */
export class Locked extends FileError {}

/** How to open a history. */
export interface OpenOptions {
  /** Milliseconds that another program may hold the file. */
  readonly patience: number;
  /** Whether a file that is not there is made. */
  readonly create: boolean;
}

/**
 * Opens a history.
 *
 * @throws {Locked} where another program holds it for longer than `patience`.
 * @throws {FileError} where it is missing, damaged, another program's or of a newer version.
 */
export function openHistory(path: string, { patience, create }: OpenOptions): DatabaseSync {
  if (!create && !isFile(path)) {
    throw new FileError(`Found no ${path}, wanted the history of the runs in that folder`);
  }
  return within(path, () => {
    const db = new DatabaseSync(path, { timeout: patience });
    try {
      requireHistory(db, path);
      // Readers and a writer do not wait for each other, and a write waits for no disk.
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
      return db;
    } catch (fault) {
      db.close();
      throw fault;
    }
  });
}

/** Runs `action` as one transaction: all of it is in the file, or nothing. */
export function transaction<T>(db: DatabaseSync, path: string, action: () => T): T {
  return within(path, () => {
    db.exec("BEGIN IMMEDIATE");
    try {
      const result = action();
      db.exec("COMMIT");
      return result;
    } catch (fault) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw fault;
    }
  });
}

/** Runs `action`; what SQLite says of the file becomes a FileError. */
export function within<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (fault) {
    if (!(fault instanceof Error && "code" in fault && fault.code === "ERR_SQLITE_ERROR")) {
      throw fault;
    }
    if (isDenied(fault)) throw fault;
    const words = fault.message;
    if (/\b(locked|busy)\b/.test(words)) {
      throw new Locked(`Cannot use ${path}: another program holds it (${words})`);
    }
    throw new FileError(`Cannot use ${path}: ${words}`, { cause: fault });
  }
}

/**
 * Makes the tables of a new file, and what is missing of an older one; refuses a file that is no
 * history, or of a newer version.
 */
function requireHistory(db: DatabaseSync, path: string): void {
  if (isEmpty(db)) {
    transaction(db, path, () => {
      if (isEmpty(db)) db.exec(TABLES); // unless another run was faster
    });
  }
  if (pragma(db, "application_id") !== APPLICATION) {
    throw new FileError(`Cannot use ${path}: found another program's file, wanted a run history`);
  }
  const version = pragma(db, "user_version");
  if (version > VERSION) {
    throw new FileError(
      `Cannot use ${path}: found version ${version} of the run history, ` +
        `wanted ${VERSION}, the newest that this Graft knows`,
    );
  }
  if (version === VERSION) return;
  transaction(db, path, () => {
    if (pragma(db, "user_version") < VERSION) db.exec(ATTEMPTS); // unless another run was faster
  });
}

const isEmpty = (db: DatabaseSync): boolean =>
  db.prepare("SELECT count(*) AS tables FROM sqlite_master").get()!["tables"] === 0 &&
  pragma(db, "application_id") === 0 && pragma(db, "user_version") === 0;

const pragma = (db: DatabaseSync, name: string): number =>
  db.prepare(`PRAGMA ${name}`).get()![name] as number;
