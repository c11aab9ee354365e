/**
 * `deno task runs remove`
 *
 * @module
 */
import { ConfigError, FileError } from "../../errors.ts";
import { exists } from "../../io/files.ts";
import { remove as removeFolder } from "../../io/folders.ts";
import type { RunHistory, RunRecord } from "../../runs/history/history.ts";
import { isRunFolder } from "../../runs/folder.ts";
import { answer } from "../lib/term.ts";
import { findRun, FLAGS, type HistoryCommand, openRuns } from "./history.ts";

export const remove: HistoryCommand = {
  usage: "runs remove ID... [--files]",
  summary: "Takes runs out of the history; with --files, removes their folders as well.",
  flags: {
    files: { type: "boolean", help: "remove the folders of the runs, with their adapters" },
    ...FLAGS,
  },
  positionals: [1, Infinity],
  config: false,
  run(args) {
    using history = openRuns(args);
    const runs = new Map(args.positionals.map((wanted) => {
      const run = findRun(history, wanted);
      return [run.id, run] as const;
    }));
    const removed = removeRuns(history, [...runs.values()], args.flags["files"] !== undefined);
    if (args.flags["json"]) answer(JSON.stringify({ removed }));
    else {for (const { id, folder } of removed) {
        answer(`removed ${id}${folder ? ` and ${folder}` : ""}`);
      }}
    return 0;
  },
};

interface Removed {
  readonly id: number;
  /** The folder, where it was removed as well. */
  readonly folder: string | null;
}

/** Removes all of them or, where one cannot be, none. */
function removeRuns(history: RunHistory, runs: readonly RunRecord[], files: boolean): Removed[] {
  for (const { id, name, status } of runs) {
    if (status === "running") {
      throw new ConfigError(`Found run ${id} (${name}) running, wanted it stopped`);
    }
  }
  const folders = new Map(files ? ownFolders(history, runs) : []);
  history.remove(runs.map(({ id }) => id));
  return runs.map(({ id }) => {
    const folder = folders.get(id) ?? null;
    if (folder !== null) removeFolder(folder);
    return { id, folder };
  });
}

/** The folders that are still there and theirs: a later run may have taken the place of one. */
function ownFolders(history: RunHistory, runs: readonly RunRecord[]): [number, string][] {
  const all = history.runs();
  const owners = runs.filter(({ id, name, folder }) =>
    exists(folder) && all.find((run) => run.name === name)!.id === id
  );
  return owners.map(({ id, folder }) => {
    if (isRunFolder(folder)) return [id, folder];
    throw new FileError(`Cannot remove ${folder}: found no run in it, wanted a run folder`);
  });
}
