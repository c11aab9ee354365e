/**
 * The run folder: who may write into it, and what it holds.
 *
 * @module
 */
import { basename, join, resolve } from "node:path";
import { ConfigError, FileError } from "../errors.ts";
import type { ForgettingReport } from "../forgetting/report/format.ts";
import { type MetricsLine, reportPage } from "../forgetting/page/page.ts";
import { refuseOccupied } from "../io/checkpoint.ts";
import {
  appendText,
  exists,
  isFile,
  onDisk,
  readJsonObject,
  writeJson,
  writeText,
} from "../io/files.ts";
import { changedKeys, type ParsedConfig, savedConfig } from "../config/mod.ts";
import type { Say } from "./rows.ts";

/** Paths inside a run folder. */
export const runFiles = (folder: string) => ({
  config: join(folder, "config.json"),
  metrics: join(folder, "metrics.jsonl"),
  log: join(folder, "log.txt"),
  checkpoints: join(folder, "checkpoints"),
  forgetting: join(folder, "forgetting_report.json"),
  report: join(folder, "report.html"),
});

/**
 * Refuses a folder that is not this run's to write into; touches nothing.
 *
 * @throws {FileError} where the folder holds something else, or a run that is not to be resumed.
 * @throws {ConfigError} where the run to resume has another config.
 */
export function refuseOtherRun(folder: string, parsed: ParsedConfig, resume: boolean): void {
  const { config } = runFiles(folder);
  if (!exists(config)) {
    if (resume) throw new FileError(`${folder} holds no run to resume`);
    return refuseOccupied(folder);
  }
  if (resume) return checkSame(config, savedConfig(parsed));
  throw new FileError(
    `${folder} holds another run; add --resume to go on with it, or choose another --out`,
  );
}

/** Whether `folder` is that of a run, which saves where each value of its config came from. */
export function isRunFolder(folder: string): boolean {
  const { config } = runFiles(folder);
  return isFile(config) && "$origin" in readJsonObject(config);
}

/**
 * Makes the folder and saves the config there.
 *
 * @returns what takes it all back: removes what the run has written, and the folder if it was new.
 */
export function claimRunFolder(folder: string, parsed: ParsedConfig): () => void {
  const isNew = !exists(folder);
  onDisk(`Cannot make ${folder}`, () => Deno.mkdirSync(folder, { recursive: true }));
  const files = runFiles(folder);
  writeJson(files.config, savedConfig(parsed));
  return () =>
    onDisk(`Cannot remove ${folder}`, () => {
      const written = isNew ? [folder] : Object.values(files).filter(exists);
      for (const path of written) Deno.removeSync(path, { recursive: true });
    });
}

/** Writes a forgetting report as JSON and as a page, with the lines of the run's metrics. */
export function writeReport(
  folder: string,
  report: ForgettingReport,
  metrics: readonly MetricsLine[],
): void {
  const files = runFiles(folder);
  writeJson(files.forgetting, report);
  writeText(files.report, reportPage(report, metrics, basename(resolve(folder))));
}

/** Lines of progress: said at once, kept for `log.txt` until the run folder is claimed. */
export class RunLog {
  #waiting: string[] | null = [];

  constructor(private readonly path: string, private readonly say: Say) {}

  /** Says a line and logs it. */
  tell: Say = (line) => {
    this.say(line);
    if (this.#waiting) this.#waiting.push(line);
    else appendText(this.path, `${line}\n`);
  };

  /** Writes what has waited, and from now on every line at once. */
  open(): void {
    appendText(this.path, (this.#waiting ?? []).map((line) => `${line}\n`).join(""));
    this.#waiting = null;
  }
}

function checkSame(path: string, now: Record<string, unknown>): void {
  const [change] = changedKeys(readJsonObject(path), now);
  if (change === undefined) return;
  const words = (value: unknown) => JSON.stringify(value) ?? "unset";
  const { key, before, after } = change;
  throw new ConfigError(
    `Cannot resume: ${key} is ${words(after)}, wanted ${words(before)} as in ${path}`,
  );
}
