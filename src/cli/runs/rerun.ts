/**
 * `deno task runs rerun`
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { exists, writeJson } from "../../io/files.ts";
import { isRunFolder, runFiles } from "../../runs/folder.ts";
import type { RunRecord } from "../../runs/history/history.ts";
import { dim, say } from "../lib/term.ts";
import { findRun, FLAGS, type HistoryCommand, openRuns } from "./history.ts";

export const rerun: HistoryCommand = {
  usage: "runs rerun ID|FOLDER [--out DIR]",
  summary: "Starts a run again: the same settings, commits, days and seeds, in a new folder.",
  flags: {
    out: { type: "string", help: "the new folder; that of the run with -again by default" },
    from: FLAGS.from,
  },
  positionals: [1, 1],
  config: false,
  async run(args) {
    const run = found(args);
    const out = args.flags["out"] ?? freeFolder(run.folder);
    if (exists(out)) throw new ConfigError(`Found ${out} there already, wanted another --out`);
    const config = configFile(run, out);
    say(dim(`run ${run.id} (${run.name}) again, as ${config} has it, into ${out}`));
    const command = run.trains === "pretrain" ? import("../pretrain.ts") : import("../train.ts");
    return await (await command).run([config, "--out", out]);
  },
};

/** The run that is meant; the history is closed by then, for the new run writes into it. */
function found(args: Parameters<HistoryCommand["run"]>[0]): RunRecord {
  using history = openRuns(args);
  return findRun(history, args.positionals[0]!);
}

/** A folder beside that of the run which is not there yet. */
function freeFolder(folder: string): string {
  for (let count = 1;; count++) {
    const name = `${folder}-again${count === 1 ? "" : `-${count}`}`;
    if (!exists(name)) return name;
  }
}

/** The config in the folder of the run; where that is gone, what the history has, in a file beside. */
function configFile({ folder, config, origin }: RunRecord, out: string): string {
  if (exists(folder) && isRunFolder(folder)) return runFiles(folder).config;
  const path = `${out}.config.json`;
  if (exists(path)) throw new ConfigError(`Found ${path} there already, wanted another --out`);
  writeJson(path, { ...config, $origin: origin });
  return path;
}
