/**
 * The run folder: who may write into it, and what it holds.
 *
 * @module
 */
import { join } from "node:path";
import { ConfigError, FileError } from "../errors.ts";
import { refuseOccupied } from "../io/checkpoint.ts";
import { exists, onDisk, readJsonObject, writeJson } from "../io/files.ts";
import { type ParsedConfig, savedConfig } from "./config.ts";

/** Paths inside a run folder. */
export const runFiles = (folder: string) => ({
  config: join(folder, "config.json"),
  metrics: join(folder, "metrics.jsonl"),
  log: join(folder, "log.txt"),
  checkpoints: join(folder, "checkpoints"),
  forgetting: join(folder, "forgetting_report.json"),
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

/** Makes the folder and saves the config there. */
export function claimRunFolder(folder: string, parsed: ParsedConfig): void {
  onDisk(`Cannot make ${folder}`, () => Deno.mkdirSync(folder, { recursive: true }));
  writeJson(runFiles(folder).config, savedConfig(parsed));
}

function checkSame(path: string, now: Record<string, unknown>): void {
  const before = readJsonObject(path);
  const sections = Object.keys(now).filter((key) => !key.startsWith("$"));
  const changed = sections.filter((key) =>
    JSON.stringify(before[key]) !== JSON.stringify(now[key])
  );
  if (changed.length === 0) return;
  throw new ConfigError(
    `Cannot resume: ${changed.join(", ")} differs from ${path}; resume with the same settings`,
  );
}
