/**
 * `deno task watch`: a page of runs, as they happen and as they were.
 *
 * @module
 */
import { join } from "node:path";
import { ConfigError } from "../errors.ts";
import { isLoopback } from "../http/gate.ts";
import { addressOf, listen, untilInterrupted } from "../http/server.ts";
import { historyOf } from "../runs/history/database.ts";
import { RunHistory } from "../runs/history/history.ts";
import { watchRoutes } from "../watch/routes.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { numberOf } from "./lib/number.ts";
import { answer, dim, say } from "./lib/term.ts";

const COMMAND: Command = {
  usage: "watch [--from DIR]",
  summary: "Shows the runs of a folder on a page, as they happen: curves, settings, samples.",
  flags: {
    from: { type: "string", help: "folder of the runs and their history; runs by default" },
    host: { type: "string", help: "address to listen on, of this machine; 127.0.0.1 by default" },
    port: { type: "string", help: "port; 8001 by default, 0 for a free one" },
  },
  positionals: [0, 0],
  config: false,
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { flags } = parseArguments(COMMAND, args);
  const hostname = flags["host"] ?? "127.0.0.1";
  if (!isLoopback(hostname)) {
    throw new ConfigError(`--host: found ${hostname}, wanted an address of this machine alone`);
  }
  const port = numberOf(flags, "port", 8001, { least: 0, most: 65535, whole: true });
  const path = historyOf(join(flags["from"] ?? "runs", "any"));
  new RunHistory(path)[Symbol.dispose](); // says now what is wrong with it
  const server = listen(watchRoutes(path), { hostname, port, token: null });
  answer(`${addressOf(server)} shows the runs of ${path}; Ctrl-C ends`);
  return await untilInterrupted(server, () => say(dim("ending")));
}
