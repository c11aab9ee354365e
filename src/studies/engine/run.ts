/**
 * Runs that are part of a study: each has its folder and its row in the history beside them.
 *
 * @module
 */
import { join } from "node:path";
import type { ParsedConfig } from "../../config/mod.ts";
import { StoppedError } from "../../errors.ts";
import { exists } from "../../io/files.ts";
import { remove } from "../../io/folders.ts";
import type { Methods } from "../../methods.ts";
import { runFiles } from "../../runs/folder.ts";
import { RunHistory } from "../../runs/history/history.ts";
import { historyOf } from "../../runs/history/database.ts";
import { hasCheckpoint } from "../../train/checkpoint.ts";
import type { RunResult } from "../../train/options.ts";
import { trainWith } from "../../train/run.ts";
import { studyFiles } from "./folder.ts";
import type { CellContext } from "./study.ts";

/** The folder of the run of a cell. */
export const runFolder = (out: string, cell: string): string => join(studyFiles(out).runs, cell);

/**
 * Trains, or goes on from the last checkpoint of a run that was ended in its middle; one that has left
 * none begins anew.
 *
 * @param methods in place of those of the config.
 * @throws {StoppedError} where it was stopped.
 */
export async function trainCell(
  parsed: ParsedConfig,
  { device, say }: CellContext,
  methods: Partial<Methods> = {},
): Promise<RunResult> {
  const { out } = parsed.config;
  const resume = hasCheckpoint(runFiles(out).checkpoints);
  if (!resume) forget(out);
  const said = (line: string) => line.startsWith("resumed") && say(line);
  const result = await trainWith(methods, parsed, {
    resume,
    device,
    on: (event) => {
      if (event.kind === "log") said(event.line);
    },
  }) as RunResult;
  if (result.stopped) throw new StoppedError(`Stopped in ${out}; the same command goes on`);
  return result;
}

/** Removes a run that was ended before its first checkpoint. */
function forget(folder: string): void {
  if (!exists(folder)) return;
  remove(folder);
  const path = historyOf(folder);
  if (!exists(path)) return;
  using history = new RunHistory(path);
  history.remove(history.runs().filter((run) => run.folder === folder).map(({ id }) => id));
}
