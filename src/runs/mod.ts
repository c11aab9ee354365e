/**
 * What keeps a run: the listeners that write its folder, a line each.
 *
 * @module
 */
import type { RunListener } from "./events.ts";
import { logListener, reportListener, runFiles } from "./folder.ts";
import { metricsListener } from "./metrics_file.ts";

/** The listeners that write into the folder of a run. */
export function folderListeners(folder: string): RunListener[] {
  const files = runFiles(folder);
  return [
    metricsListener(files.metrics),
    logListener(files.log),
    reportListener(folder),
  ];
}
