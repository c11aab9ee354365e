/**
 * The folder of a run: what decides it, its answers, and what was made of them.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { join } from "node:path";
import { ConfigError } from "../errors.ts";
import { appendText, exists, readJsonObject, writeJson, writeText } from "../io/files.ts";
import { makeFolder, removeTemporary } from "../io/folders.ts";
import { type FolderLock, lockFolder } from "../io/lock.ts";
import { Journal } from "./journal.ts";

/** A file of rows that follows from the answers: written whole once they are known again. */
class Results {
  #lines: string[] = [];
  #isWritten = false;

  constructor(readonly path: string) {}

  add(row: object): void {
    this.#lines.push(`${JSON.stringify(row)}\n`);
  }

  /** Puts what was added into the file. */
  flush(): void {
    const text = this.#lines.join("");
    this.#lines = [];
    if (!this.#isWritten) writeText(this.path, text);
    else if (text !== "") appendText(this.path, text);
    this.#isWritten = true;
  }
}

/** Names of files by what is in them. */
const FILES = { rows: "rows.jsonl", rejected: "rejected.jsonl", tasks: "tasks.jsonl" } as const;

/** What a row goes to. */
export type ResultName = keyof typeof FILES;

/** The folder of a run of self-instruct, while it is held. */
export class RunFolder implements Disposable {
  readonly journal: Journal;
  readonly #results = new Map<ResultName, Results>();
  readonly #lock: FolderLock;

  /**
   * Makes the folder, or goes on with it.
   *
   * @param settings all that decides what comes of a run.
   * @param names the files that it has, also where nothing is added to them.
   * @throws {ConfigError} where it is of a run with others.
   * @throws {FileError} where another process writes there, or its answers cannot be read.
   */
  constructor(
    readonly path: string,
    settings: Readonly<Record<string, unknown>>,
    private readonly names: readonly ResultName[] = Object.keys(FILES) as ResultName[],
  ) {
    makeFolder(path);
    this.#lock = lockFolder(path);
    try {
      removeTemporary(path);
      refuseOthers(path, settings);
      this.journal = new Journal(join(path, "answers.jsonl"));
    } catch (fault) {
      this.#lock[Symbol.dispose]();
      throw fault;
    }
  }

  /** Adds a row to one of the files. */
  add(name: ResultName, row: object): void {
    this.#of(name).add(row);
  }

  /** Puts what was added onto the disk, once there is more than was there before. */
  flush(): void {
    if (!this.journal.isReplaying) this.finish();
  }

  /** Puts all that was added onto the disk. */
  finish(): void {
    for (const name of this.names) this.#of(name).flush();
  }

  #of(name: ResultName): Results {
    const known = this.#results.get(name);
    if (known) return known;
    const made = new Results(join(this.path, FILES[name]));
    this.#results.set(name, made);
    return made;
  }

  /** Lets others in. */
  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}

const settingsFile = (folder: string): string => join(folder, "settings.json");

/** What decided the run of a folder; nothing where there is none. */
export const settingsIn = (folder: string): Readonly<Record<string, unknown>> =>
  exists(settingsFile(folder)) ? readJsonObject(settingsFile(folder)) : {};

function refuseOthers(folder: string, settings: Readonly<Record<string, unknown>>): void {
  const path = settingsFile(folder);
  if (!exists(path)) return writeJson(path, settings);
  const before = settingsIn(folder);
  const names = [...new Set([...Object.keys(before), ...Object.keys(settings)])];
  const other = names.find((name) => !isDeepStrictEqual(before[name], settings[name]));
  if (other === undefined) return;
  const [found, wanted] = [before[other], settings[other]].map((value) => JSON.stringify(value));
  throw new ConfigError(
    `${path}: found ${other} ${found ?? "unset"}, wanted ${wanted ?? "none"}: a run goes on ` +
      "as it began, and another has a folder of its own",
  );
}
