/**
 * `deno task runs show`
 *
 * @module
 */
import { figuresOf, type RunEvents, type RunRecord } from "../../runs/history/history.ts";
import { duration } from "../../runs/lines.ts";
import { columns, cut } from "../lib/columns.ts";
import { answer } from "../lib/term.ts";
import {
  dataOf,
  digits,
  findRun,
  FLAGS,
  type HistoryCommand,
  localTime,
  openRuns,
} from "./history.ts";

export const show: HistoryCommand = {
  usage: "runs show ID|FOLDER",
  summary: "Shows a run: its settings, its course, what it came to.",
  flags: FLAGS,
  positionals: [1, 1],
  config: false,
  run(args) {
    using history = openRuns(args);
    const run = findRun(history, args.positionals[0]!);
    const events = history.events(run.id);
    if (args.flags["json"]) answer(JSON.stringify({ ...run, ...events }));
    else for (const line of lines(run, events)) answer(cut(line));
    return 0;
  },
};

const MIB = 1 << 20;
/** Rows of what was measured on the way that are shown. */
const MEASURES = 10;

function lines(run: RunRecord, events: RunEvents): string[] {
  const { memory, device, versions, error } = run;
  const bytes = Object.values(memory).reduce((sum, part) => sum + part, 0);
  const facts = [
    [
      "run",
      `${run.id}: ${run.name}, ${run.status}${
        error === null ? "" : `: ${error.replaceAll("\n", "; ")}`
      }`,
    ],
    ["folder", run.folder],
    ["when", `${localTime(run.started)}, ${duration(run.seconds)}`],
    ["trains", `${run.trains} on ${run.config.model}`],
    ["data", dataOf(run).join(", ")],
    [
      "device",
      `${device.adapter}${device.software ? " (software)" : ""}, ${Math.ceil(bytes / MIB)} MiB`,
    ],
    [
      "versions",
      Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", "),
    ],
    ...settings(run),
    ["updates", course(run, events)],
    ["figures", figures(figuresOf(run))],
    ["checkpoints", events.checkpoints.map(({ name }) => name).join(" ")],
  ];
  return [
    ...columns(facts.filter(([, value]) => value !== "") as string[][]),
    ...measured(events),
    ...samples(events),
  ];
}

/** Settings that somebody chose, a line each. */
function settings({ config, origin }: RunRecord): string[][] {
  const shown = ["model", "data", "out"]; // in lines of their own
  const chosen = Object.keys(origin)
    .filter((key) => origin[key] !== "default" && !shown.includes(key.split(".")[0]!))
    .map((key) => `${key} ${JSON.stringify(valueAt(config, key))} (${origin[key]})`);
  return chosen.map((line, i) => [i === 0 ? "settings" : "", line]);
}

function valueAt(config: unknown, key: string): unknown {
  return key.split(".").reduce(
    (value, name) => (value as Record<string, unknown> | undefined)?.[name],
    config,
  );
}

function course({ done, steps }: RunRecord, { updates }: RunEvents): string {
  const losses = [updates.at(0), updates.at(-1)].map((update) => digits(update?.loss));
  return `${done}/${steps}${updates.length > 1 ? `, loss ${losses.join(" -> ")}` : ""}`;
}

const figures = (values: Readonly<Record<string, number>>) =>
  Object.entries(values).map(([name, value]) => `${name} ${digits(value)}`).join(", ");

/** What was measured on the way, the latest last. */
function measured({ measures }: RunEvents): string[] {
  if (measures.length === 0) return [];
  const names = [...new Set(measures.flatMap(({ values }) => Object.keys(values)))];
  const rows = measures.slice(-MEASURES)
    .map(({ step, values }) => [String(step), ...names.map((name) => digits(values[name]))]);
  const right = [0, ...names.map((_, i) => i + 1)];
  return ["", ...columns([["step", ...names], ...rows], { right })];
}

/** The latest. */
function samples({ samples }: RunEvents): string[] {
  const last = samples.at(-1);
  if (!last) return [];
  return ["", `samples after ${last.step} updates`].concat(
    last.samples.map(({ prompt, text }) => `${JSON.stringify(prompt)} -> ${JSON.stringify(text)}`),
  );
}
