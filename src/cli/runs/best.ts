/**
 * `deno task runs best`
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { nearest } from "../../io/nearest.ts";
import { figuresOf, type RunRecord } from "../../runs/history/history.ts";
import { answer } from "../lib/term.ts";
import { FLAGS, type HistoryCommand, openRuns } from "./history.ts";
import { table } from "./list.ts";

export const best: HistoryCommand = {
  usage: "runs best --by METRIC [--highest]",
  summary: "Orders the runs that are done by a figure, the best first.",
  flags: {
    by: { type: "string", help: "the figure, such as loss or eval_loss; the lowest is the best" },
    highest: { type: "boolean", help: "the highest is the best" },
    ...FLAGS,
  },
  positionals: [0, 0],
  config: false,
  run(args) {
    const { by: metric, highest, json } = args.flags;
    if (metric === undefined) throw new ConfigError(`Wanted --by METRIC: ${best.usage}`);
    using history = openRuns(args);
    const runs = ordered(history.runs(), metric, highest !== undefined);
    if (json) answer(JSON.stringify({ by: metric, runs }));
    else for (const line of table(runs, [metric])) answer(line);
    return 0;
  },
};

/** The runs that are done and have the figure. */
function ordered(runs: readonly RunRecord[], metric: string, highest: boolean): RunRecord[] {
  const done = runs.filter(({ status }) => status === "done")
    .map((run) => ({ run, figures: figuresOf(run) }));
  const found = done.flatMap(({ run, figures }) => {
    const value = figures[metric];
    return Number.isFinite(value) ? [{ run, value: value! }] : [];
  });
  if (found.length === 0) {
    throw unknown(
      metric,
      done.flatMap(({ figures }) => Object.keys(figures)),
    );
  }
  const sign = highest ? -1 : 1;
  return found.sort((a, b) => sign * (a.value - b.value)).map(({ run }) => run);
}

function unknown(metric: string, known: readonly string[]): ConfigError {
  const names = [...new Set(known)];
  if (names.length === 0) {
    return new ConfigError("Found no run that is done, wanted one to be the best");
  }
  const [near] = nearest(metric, names, 1);
  return new ConfigError(
    `Found no run that is done with the figure ${metric}, ` +
      (near ? `the nearest is ${near}` : `wanted one of ${names.join(", ")}`),
  );
}
