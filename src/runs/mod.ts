/**
 * What keeps a run: the listeners that write its folder and the history beside it, a line each.
 *
 * @module
 */
import type { RunListener } from "./events.ts";
import { logListener, reportListener, runFiles } from "./folder.ts";
import { historyListener } from "./history/listener.ts";
import { metricsListener } from "./metrics_file.ts";

/** Which of them a run has, and where they say what they cannot do. */
export interface KeepOptions {
  /** Whether the run is a row of the history. */
  readonly history: boolean;
  readonly log: (line: string) => void;
}

/** The listeners that keep the run of a folder. */
export function folderListeners(folder: string, { history, log }: KeepOptions): RunListener[] {
  const files = runFiles(folder);
  return [
    ...(history ? [historyListener(folder, log)] : []),
    metricsListener(files.metrics),
    logListener(files.log),
    reportListener(folder),
  ];
}
