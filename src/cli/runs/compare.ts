/**
 * `deno task runs compare`
 *
 * @module
 */
import { changedKeys } from "../../config/mod.ts";
import { figuresOf, type RunRecord } from "../../runs/history/history.ts";
import { columns } from "../lib/columns.ts";
import { answer } from "../lib/term.ts";
import { digits, findRun, FLAGS, type HistoryCommand, openRuns } from "./history.ts";

export const compare: HistoryCommand = {
  usage: "runs compare A B",
  summary: "Shows in which settings two runs differ, and what they came to.",
  flags: FLAGS,
  positionals: [2, 2],
  config: false,
  run(args) {
    using history = openRuns(args);
    const [a, b] = args.positionals.map((run) => findRun(history, run)) as [RunRecord, RunRecord];
    const settings = settingsOf(a, b);
    const figures = figuresOfBoth(a, b);
    if (args.flags["json"]) {
      answer(JSON.stringify({ runs: [a.id, b.id], settings, figures }));
      return 0;
    }
    const words = (value: unknown) => value === undefined ? "" : JSON.stringify(value);
    const rows = [
      ["", ...[a, b].map(({ id, name }) => `${id}: ${name}`), ""],
      ["status", a.status, b.status, ""],
      ["updates", ...[a, b].map(({ done, steps }) => `${done}/${steps}`), ""],
      ...settings.map(({ key, a, b }) => [key, words(a), words(b), ""]),
      ...figures.map(({ name, a, b }) => [
        name,
        digits(a),
        digits(b),
        a === undefined || b === undefined ? "" : `${b > a ? "+" : ""}${digits(b - a)}`,
      ]),
    ];
    for (const line of columns(rows)) answer(line);
    return 0;
  },
};

/** Where they write is no setting. */
function settingsOf(a: RunRecord, b: RunRecord) {
  return changedKeys({ ...a.config }, { ...b.config })
    .filter(({ key }) => key !== "out")
    .map(({ key, before, after }) => ({ key, a: before, b: after }));
}

function figuresOfBoth(a: RunRecord, b: RunRecord) {
  const [ofA, ofB] = [figuresOf(a), figuresOf(b)];
  const names = new Set([...Object.keys(ofA), ...Object.keys(ofB)]);
  return [...names].map((name) => ({ name, a: ofA[name], b: ofB[name] }));
}
