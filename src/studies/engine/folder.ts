/**
 * The folder of a study: what its cells were made of, and what each came to.
 *
 * @module
 */
import { join } from "node:path";
import { ConfigError, FileError } from "../../errors.ts";
import { refuseOccupied } from "../../io/checkpoint.ts";
import { exists, isObject, readJsonObject, writeJson, writeText } from "../../io/files.ts";
import { makeFolder, removeTemporary } from "../../io/folders.ts";
import { claim, type FolderLock, joinFolder, LOCK_FILE } from "../../io/lock.ts";

/** Paths inside the folder of a study. */
export const studyFiles = (folder: string) => ({
  /** What the cells were made of. */
  made: join(folder, "study.json"),
  cells: join(folder, "cells"),
  /** Runs, with their history beside them. */
  runs: join(folder, "runs"),
  /** Rows that cells are trained on or asked, where they are a part of a file. */
  data: join(folder, "data"),
  summary: join(folder, "summary.json"),
  table: join(folder, "table.md"),
  page: join(folder, "index.html"),
});

/** What decides what cells come to. */
export interface MadeOf {
  readonly study: string;
  readonly spec: Readonly<Record<string, unknown>>;
  /** Hashes of what the spec names. */
  readonly files: Readonly<Record<string, string>>;
}

/** The folder of a study, in which several processes may work. */
export class StudyFolder implements Disposable {
  readonly #lock: FolderLock;

  private constructor(readonly path: string, made: MadeOf) {
    const files = studyFiles(path);
    this.#lock = joinFolder(path, () => {
      if (!exists(files.made)) writeJson(files.made, made);
      for (const place of [path, files.cells, files.data].filter(exists)) removeTemporary(place);
    });
  }

  /**
   * Comes into a folder: a new one, or that of the same study with the cells that are done.
   *
   * @throws {ConfigError} where its cells were made of something else; they stay.
   * @throws {FileError} where it holds anything else.
   */
  static open(path: string, made: MadeOf): StudyFolder {
    const files = studyFiles(path);
    if (!exists(files.made)) {
      refuseOccupied(path, LOCK_FILE);
      makeFolder(path);
    }
    const folder = new StudyFolder(path, made);
    try {
      refuseOther(files.made, made);
      makeFolder(files.cells);
    } catch (fault) {
      folder[Symbol.dispose]();
      throw fault;
    }
    return folder;
  }

  /** Takes a cell that is not done; null where another process works on it, or it has come to be done. */
  claim(cell: string): FolderLock | null {
    const lock = claim(join(studyFiles(this.path).cells, `${cell}.lock`));
    if (lock === null || !this.has(cell)) return lock;
    lock[Symbol.dispose]();
    return null;
  }

  /** Whether a cell is done. */
  has(cell: string): boolean {
    return exists(this.#cell(cell));
  }

  /** What a cell came to; undefined where it is not done. */
  read<R>(cell: string): R | undefined {
    const path = this.#cell(cell);
    return exists(path) ? readJsonObject(path)["result"] as R : undefined;
  }

  keep(cell: string, result: unknown): void {
    writeJson(this.#cell(cell), { cell, result });
  }

  write(name: "table" | "page", text: string): void {
    writeText(studyFiles(this.path)[name], text);
  }

  summarise(summary: object): void {
    writeJson(studyFiles(this.path).summary, summary);
  }

  picture(name: string, svg: string): void {
    writeText(join(this.path, `${name}.svg`), svg);
  }

  #cell(name: string): string {
    return join(studyFiles(this.path).cells, `${name}.json`);
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}

function refuseOther(path: string, made: MadeOf): void {
  const before = readJsonObject(path);
  const wanted = "wanted the same as before, or another --out";
  if (before["study"] !== made.study) {
    throw new FileError(
      `${path}: found cells of the study ${before["study"]}, not of ${made.study}; ${wanted}`,
    );
  }
  const spec = changeOf(before["spec"], made.spec);
  if (spec) {
    const [was, is] = [spec.before, spec.after].map((value) => JSON.stringify(value) ?? "nothing");
    throw new ConfigError(
      `${path}: found cells of a spec with ${was} in ${spec.key.join(".")}, not ${is}; ${wanted}`,
    );
  }
  const file = changeOf(before["files"], made.files);
  if (!file) return;
  throw new ConfigError(`${path}: found cells of other contents of ${file.key[0]}; ${wanted}`);
}

/** Where two values of JSON differ first. */
interface Change {
  readonly key: readonly string[];
  readonly before: unknown;
  readonly after: unknown;
}

function changeOf(before: unknown, after: unknown, key: readonly string[] = []): Change | null {
  if (!isObject(before) || !isObject(after)) {
    return JSON.stringify(before) === JSON.stringify(after) ? null : { key, before, after };
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const change = changeOf(before[name], after[name], [...key, name]);
    if (change) return change;
  }
  return null;
}
