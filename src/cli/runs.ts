/**
 * `deno task runs`: the history of runs.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { nearest } from "../io/nearest.ts";
import { HelpWanted, parseArguments } from "./lib/args.ts";
import { best } from "./runs/best.ts";
import { compare } from "./runs/compare.ts";
import type { HistoryCommand } from "./runs/history.ts";
import { list } from "./runs/list.ts";
import { remove } from "./runs/remove.ts";
import { rerun } from "./runs/rerun.ts";
import { show } from "./runs/show.ts";

/** What can be done with the history, by name. */
const COMMANDS: Readonly<Record<string, HistoryCommand>> = {
  list,
  show,
  compare,
  best,
  rerun,
  remove,
};

/** Runs the command, `list` where none is named; resolves to its exit code. */
export function run(args: string[]): Promise<number> {
  const [name = "list", ...rest] = args[0]?.startsWith("-") ? ["list", ...args] : args;
  if (args[0] === "--help" || args[0] === "-h") throw new HelpWanted(overview());
  const command = COMMANDS[named(name)]!;
  return Promise.resolve(command.run(parseArguments(command, rest)));
}

function named(name: string): string {
  if (Object.hasOwn(COMMANDS, name)) return name;
  const known = Object.keys(COMMANDS);
  const [near] = nearest(name, known, 1);
  throw new ConfigError(
    `Found the unknown command runs ${name}, ` +
      (near ? `the nearest is ${near}` : `wanted one of ${known.join(", ")}`),
  );
}

function overview(): string {
  const commands = Object.values(COMMANDS)
    .map(({ usage, summary }) => `  ${usage.padEnd(44)}  ${summary}`);
  return ["Usage: runs COMMAND ...", "", ...commands, "", "Each has --help."].join("\n");
}
