/**
 * What keeps a run: the listeners that write its folder and the history beside it, a line each.
 *
 * @module
 */
import type { ToldConfig } from "../config/mod.ts";
import type { RunListener } from "./events.ts";
import { logListener, reportListener, runFiles } from "./folder.ts";
import { historyListener } from "./history/listener.ts";
import { metricsListener } from "./metrics_file.ts";
import { tensorboardListener } from "./tensorboard.ts";
import { webhookListener } from "./webhook.ts";

/** Which of them a run has, and where they say what they cannot do. */
export interface KeepOptions {
  /** What of the config says who hears of the run. */
  readonly config: ToldConfig;
  readonly log: (line: string) => void;
}

/** The listeners that keep the run of a folder. */
export function folderListeners(folder: string, { config, log }: KeepOptions): RunListener[] {
  const files = runFiles(folder);
  return [
    ...(config.history ? [historyListener(folder, log)] : []),
    metricsListener(files.metrics),
    logListener(files.log),
    reportListener(folder),
    ...(config.log.includes("tensorboard") ? [tensorboardListener(folder)] : []),
    ...(config.webhook === undefined ? [] : [webhookListener(config.webhook, folder, log)]),
  ];
}
