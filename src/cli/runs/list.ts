/**
 * `deno task runs list`
 *
 * @module
 */
import { figuresOf, type RunRecord } from "../../runs/history/history.ts";
import { columns } from "../lib/columns.ts";
import { answer } from "../lib/term.ts";
import {
  dataOf,
  digits,
  FLAGS,
  type HistoryCommand,
  localTime,
  openRuns,
  shortName,
} from "./history.ts";

export const list: HistoryCommand = {
  usage: "runs list [--from DIR]",
  summary: "Lists the runs of a folder, the newest first.",
  flags: FLAGS,
  positionals: [0, 0],
  config: false,
  run(args) {
    using history = openRuns(args);
    const runs = history.runs();
    if (args.flags["json"]) answer(JSON.stringify({ runs }));
    else for (const line of table(runs, measuredIn(runs))) answer(line);
    return 0;
  },
};

/** A line for each run, with some of its figures. */
export function table(runs: readonly RunRecord[], figures: readonly string[]): string[] {
  const names = ["loss", ...figures.filter((name) => name !== "loss")];
  const heads = ["ID", "NAME", "STATUS", "WHEN", "UPDATES", ...names, "MODEL", "DATA"];
  const right = [0, 4, ...names.map((_, i) => 5 + i)];
  return columns(
    [heads.map((head) => head.toUpperCase()), ...runs.map((run) => cells(run, names))],
    { right },
  );
}

function cells(run: RunRecord, figures: readonly string[]): string[] {
  const found = figuresOf(run);
  return [
    String(run.id),
    run.name,
    run.status,
    localTime(run.started),
    `${run.done}/${run.steps}`,
    ...figures.map((name) => digits(found[name])),
    shortName(run.config.model),
    dataOf(run).map(shortName).join(","),
  ];
}

/** What was measured at the end of any of them, in the order in which it is found. */
function measuredIn(runs: readonly RunRecord[]): string[] {
  return [...new Set(runs.flatMap(({ measured }) => Object.keys(measured)))];
}
