/**
 * Locks of files on Node, which has none of its own: SQLite's, which the system lets go of when its
 * process ends, however it ends. They keep programs of Node out of each other's way, not those of Deno.
 *
 * @module
 */
import { statSync, unlinkSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** The lock of a file: an empty database beside it, for as long as it is held. */
export class FileLock {
  readonly #path: string;
  #held: DatabaseSync | null = null;

  /** @param path of the file that is locked. */
  constructor(path: string) {
    this.#path = `${path}.node`;
  }

  /** Takes it; false where another process, or another part of this one, has it. */
  take(): boolean {
    for (;;) {
      // By SQLite: to open and close the file in any other way would end this process's locks on it.
      opened(this.#path).close();
      const inode = this.#inode;
      const db = locked(opened(this.#path), "BEGIN EXCLUSIVE");
      if (db === null) return false;
      if (inode !== null && inode === this.#inode) {
        this.#held = db;
        return true;
      }
      db.close(); // it was let go of, and removed, in between
    }
  }

  /** Whether nobody has it; takes nothing. */
  isFree(): boolean {
    if (this.#inode === null) return true;
    const read = locked(opened(this.#path), "SELECT count(*) FROM sqlite_master");
    read?.close();
    return read !== null;
  }

  /** Lets others in, where it is held. */
  letGo(): void {
    try {
      if (this.#held) unlinkSync(this.#path); // while it is locked: nobody else has it as theirs
    } catch { /* an empty file stays, which is locked by nobody */ }
    this.#held?.close();
    this.#held = null;
  }

  get #inode(): number | null {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino ?? null;
  }
}

/** A database that waits for nobody. */
const opened = (path: string): DatabaseSync => new DatabaseSync(path, { timeout: 0 });

/** The database once it is locked; null where another has it. */
function locked(db: DatabaseSync, statement: string): DatabaseSync | null {
  try {
    db.exec(statement);
    return db;
  } catch (fault) {
    db.close();
    const { message } = fault as Error;
    if (/\blocked\b/.test(message)) return null;
    const words = `ENOLCK: no locks available (${message})`;
    throw Object.assign(new Error(words), { code: "ENOLCK" });
  }
}
