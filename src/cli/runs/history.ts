/**
 * What the commands of the history share: which file, which runs, which words.
 *
 * @module
 */
import { basename, dirname, join, resolve } from "node:path";
import { historyOf } from "../../runs/history/database.ts";
import { RunHistory, type RunRecord } from "../../runs/history/history.ts";
import type { Arguments, Command, Flag } from "../lib/args.ts";

/** A command of the history. */
export interface HistoryCommand extends Command {
  /** The exit code. */
  run(args: Arguments): number | Promise<number>;
}

/** Where runs lie by default. */
const FOLDER = "runs";

export const FLAGS = {
  from: { type: "string", help: `folder of the runs and their history; ${FOLDER} by default` },
  json: { type: "boolean", help: "print one JSON object" },
} as const satisfies Record<string, Flag>;

/**
 * The history that is meant: of the folder of `--from`, else of the folder that a run lies in which
 * is named by a path, else of `runs`.
 */
export function openRuns({ positionals, flags }: Arguments): RunHistory {
  const named = positionals.find((run) => run !== basename(run));
  const folder = flags["from"] ?? (named === undefined ? FOLDER : dirname(resolve(named)));
  return new RunHistory(historyOf(join(folder, "any")));
}

/**
 * A run by its number, the name of its folder or a path to it.
 *
 * @throws {ConfigError} where there is none.
 */
export function findRun(history: RunHistory, wanted: string): RunRecord {
  const isHere = dirname(resolve(wanted)) === dirname(history.path);
  return history.find(isHere ? basename(wanted) : wanted);
}

/** A number with as many digits as mean something. */
export function digits(value: number | undefined): string {
  return value === undefined ? "" : String(Number(value.toPrecision(4)));
}

/** A time as people here have it: `2026-11-29 20:41`. */
export function localTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** The end of a path or of the name of a repository. */
export const shortName = (place: string): string => basename(place.split("@")[0]!);

/** The files that a run learns from. */
export function dataOf({ config }: RunRecord): string[] {
  return config.data.flatMap(({ path }) => path);
}
