/**
 * The run folder: who may write into it, and what it holds.
 *
 * @module
 */
import { basename, join, resolve } from "node:path";
import { ConfigError, FileError } from "../errors.ts";
import { refuseOccupied } from "../io/checkpoint.ts";
import { visible } from "../io/visible.ts";
import { isLock, lockFolder, networkShare, refuseLocked } from "../io/lock.ts";
import { appendText, exists, isFile, readJsonObject, writeJson, writeText } from "../io/files.ts";
import { isTemporary, makeFolder, namesIn, remove, removeTemporary } from "../io/folders.ts";
import {
  changedKeys,
  isComparedByContents,
  type ParsedConfig,
  savedConfig,
} from "../config/mod.ts";
import type { Report, RunListener } from "./events.ts";
import { linesListener } from "./lines.ts";
import { readMetrics } from "./metrics_file.ts";
import { runPage, storyteller } from "./passport.ts";

/** Paths inside a run folder. */
export const runFiles = (folder: string) => ({
  config: join(folder, "config.json"),
  metrics: join(folder, "metrics.jsonl"),
  log: join(folder, "log.txt"),
  checkpoints: join(folder, "checkpoints"),
  forgetting: join(folder, "forgetting_report.json"),
  report: join(folder, "report.html"),
  trouble: join(folder, "trouble"),
});

/**
 * Refuses a folder that is not this run's to write into; touches nothing.
 *
 * @throws {FileError} where the folder holds something else, a run that is not to be resumed, or one
 * that another process is at.
 * @throws {ConfigError} where the run to resume has another config.
 */
export function refuseOtherRun(
  folder: string,
  parsed: ParsedConfig,
  resume: boolean,
  lock?: Disposable,
): void {
  const { config } = runFiles(folder);
  if (!lock) refuseLocked(folder);
  if (!exists(config)) {
    if (resume) throw new FileError(`${folder} holds no run to resume`);
    const passing = namesIn(folder).filter((name) => isLock(name) || isTemporary(name));
    return refuseOccupied(folder, ...passing);
  }
  if (resume) return checkSame(folder, parsed);
  throw new FileError(
    `${folder} holds another run; add --resume to go on with it, or choose another --out`,
  );
}

/** Whether `folder` is that of a run, which saves where each value of its config came from. */
export function isRunFolder(folder: string): boolean {
  const { config } = runFiles(folder);
  return isFile(config) && "$origin" in readJsonObject(config);
}

/** A run folder that one process writes into. */
export interface ClaimedFolder extends Disposable {
  /** Saves the config, of a run that goes on where its model or data lie elsewhere by now. */
  saveConfig(): void;
  /** Makes it again where it is gone: its lock and its config. */
  remake(): void;
  /** Takes it all back: removes what the run has written, and the folder if it was new. */
  undo(): void;
  /** Lets other processes in. */
  [Symbol.dispose](): void;
}

/**
 * Makes the folder its process's own: locks it, and removes what killed runs have left half written.
 *
 * @throws {FileError} as {@linkcode refuseOtherRun}, where another process was faster.
 */
export function claimRunFolder(
  folder: string,
  parsed: ParsedConfig,
  { resume = false, say = (_line: string) => {} } = {},
): ClaimedFolder {
  const isNew = !exists(folder);
  makeFolder(folder);
  refuseOtherRun(folder, parsed, resume);
  let lock = lockFolder(folder);
  try {
    refuseOtherRun(folder, parsed, resume, lock);
    const share = networkShare(folder);
    if (share) {
      say(
        `${folder} is on a network share (${share}): runs of this machine keep out of each other's ` +
          "way there, those of others may not; what is written is as safe as its server",
      );
    }
    const files = runFiles(folder);
    for (const place of [folder, files.checkpoints, files.trouble]) removeTemporary(place);
    return {
      saveConfig: () => {
        if (resume && changesOf(folder, parsed).length === 0) return;
        writeJson(files.config, savedConfig(parsed));
      },
      remake: () => {
        lock[Symbol.dispose]();
        lock = lockFolder(folder);
        writeJson(files.config, savedConfig(parsed));
      },
      undo: () => {
        if (resume) return;
        for (const path of isNew ? [folder] : Object.values(files).filter(exists)) remove(path);
      },
      [Symbol.dispose]: () => lock[Symbol.dispose](),
    };
  } catch (fault) {
    lock[Symbol.dispose]();
    throw fault;
  }
}

/** Writes a report of an adapter that no run here has made, as JSON and as a page. */
export function writeReport(folder: string, { name, data, page }: Report): void {
  writeJson(join(folder, `${name}_report.json`), data);
  writeText(runFiles(folder).report, page([], basename(resolve(folder)), []));
}

/** Writes what a method reports when it is there, and the page of the run at its end. */
export function reportListener(folder: string): RunListener {
  const tell = storyteller();
  return (event) => {
    if (event.kind === "report") {
      writeJson(join(folder, `${event.report.name}_report.json`), event.report.data);
    }
    const story = tell(event);
    if (story === null) return;
    const { metrics, report } = runFiles(folder);
    const lines = exists(metrics) ? readMetrics(metrics) : [];
    writeText(report, runPage(story, lines, basename(resolve(folder))));
  };
}

/** Writes `log.txt`; lines wait until the run begins, for before that its folder is not its own. */
export function logListener(path: string): RunListener {
  let waiting: string[] | null = [];
  let isOver = false;
  const lines = linesListener((line) => {
    if (waiting) waiting.push(line);
    else appendText(path, `${visible(line)}\n`);
  });
  return (event) => {
    if (isOver) return;
    lines(event);
    isOver = event.kind === "end" || event.kind === "fault";
    if (event.kind !== "start") return;
    appendText(path, waiting!.map((line) => `${visible(line)}\n`).join(""));
    waiting = null;
  };
}

/** A key that the saved config lacks is newer than the run, which went by its default. */
function changesOf(folder: string, now: ParsedConfig) {
  return changedKeys(readJsonObject(runFiles(folder).config), savedConfig(now))
    .filter(({ key, before }) => before !== undefined || now.origin[key] !== "default");
}

/** What a checkpoint knows by its contents may lie elsewhere; the rest must be as it was. */
function checkSame(folder: string, now: ParsedConfig): void {
  const { config: path, checkpoints } = runFiles(folder);
  const isKnown = namesIn(checkpoints).length > 0;
  const change = changesOf(folder, now).find(({ key }) => !(isKnown && isComparedByContents(key)));
  if (change === undefined) return;
  const words = (value: unknown) => JSON.stringify(value) ?? "unset";
  const { key, before, after } = change;
  throw new ConfigError(
    `Cannot resume: ${key} is ${words(after)}, wanted ${words(before)} as in ${path}`,
  );
}
