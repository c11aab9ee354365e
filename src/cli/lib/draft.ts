/**
 * A first config as text: what was found of the model and the rows, and what follows from it, each
 * value with a word on why.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { dirname, relative, resolve } from "node:path";
import { type Config, type PresetName, SCHEMA_FILE } from "../../config/mod.ts";
import { hasTemplate, rowTokenizer } from "../../data/mod.ts";
import type { Model } from "../../models/model.ts";
import { countText } from "../../runs/panel.ts";
import { numbersOf } from "../../train/facts.ts";
import type { Report } from "../inspect.ts";

/** What there is to say. */
export interface Draft {
  readonly model: Model;
  /** The model and the files as the config names them. */
  readonly place: string;
  readonly paths: readonly string[];
  /** The folder of the run. */
  readonly out: string;
  /** The file that it becomes. */
  readonly file: string;
  /** With the preset's values. */
  readonly config: Config;
  readonly preset: PresetName;
  readonly report: Report;
}

/** Rows from which on some are held back to measure by, and their share. */
const ENOUGH = 200;
const HELD = 0.05;

/** The text of the file. */
export function draftText(draft: Draft): string {
  return [
    ...head(draft),
    "",
    ...dataLines(draft),
    "",
    ...adapterLines(draft),
    ...objectiveLines(draft),
    "",
    ...trainLines(draft),
    "",
    ...guardLines(draft),
    "",
    ...evalLines(draft),
    `out: ${quoted(draft.out)}`,
    "",
  ].join("\n");
}

function head({ model, place, file }: Draft): string[] {
  const { config, checkpoint } = model;
  const chats = hasTemplate(rowTokenizer(model)) ? "has a" : "has no";
  const parameters = countText(numbersOf(checkpoint.tensors.values()));
  return [
    ...(SCHEMA_FILE.protocol === "file:" ? [schemaLine(file)] : []),
    `# ${place}: ${checkpoint.config["model_type"]}, ${parameters} parameters, reads up to ` +
    `${config.context} tokens, ${chats} chat template.`,
    "# Every key: deno task train --help; what this file comes to: --print-config.",
    `model: ${quoted(place)}`,
  ];
}

/** By which editors complete and check the file. */
function schemaLine(file: string): string {
  const path = relative(dirname(resolve(file)), fileURLToPath(SCHEMA_FILE)).replaceAll("\\", "/");
  return `# yaml-language-server: $schema=${path}`;
}

function dataLines({ paths, report }: Draft): string[] {
  const { rows, tokens, supervised, lengths: { p50, p90, p99, longest } } = report;
  const formats = [...new Set(report.sources.flatMap(({ formats }) => Object.keys(formats)))];
  return [
    `# ${rows} rows of the format ${
      formats.join(", ")
    }: ${tokens} tokens, of which ${supervised} are learnt.`,
    `# A row has ${p50} tokens (half of them up to that), ${p90} (90 %), ${p99} (99 %), ${longest} (all).`,
    ...faultLines(report),
    "data:",
    ...entries(paths, splits(report) ? "train" : null, "  "),
  ];
}

/** What would stop a run, or spoil it. */
function faultLines({ stops, faults, duplicates: { exact, near }, empty }: Report): string[] {
  return [
    ...stops.map((name) =>
      `# ${faults[name].rows} rows have the fault ${name}, which stops a run: first ${
        faults[name].first ?? "unknown"
      }.`
    ),
    ...(empty > 0
      ? [`# ${empty} rows have an empty answer, which on_empty: drop leaves out.`]
      : []),
    ...(exact + near > 0
      ? [`# ${exact + near} rows repeat others: deno task data leaves them out.`]
      : []),
  ];
}

/** Preferences and rows in small numbers are all trained on. */
const splits = ({ rows }: Report): boolean => rows >= ENOUGH;

function entries(paths: readonly string[], part: string | null, indent: string): string[] {
  const shares = `{ train: ${1 - HELD}, test: ${HELD} }`;
  return paths.flatMap((path) => [
    `${indent}- path: ${quoted(path)}`,
    ...(part === null ? [] : [`${indent}  split: { part: ${part}, shares: ${shares} }`]),
  ]);
}

function adapterLines({ config: { adapter }, preset }: Draft): string[] {
  return [
    `# From the preset ${preset}; a higher rank holds more and takes more memory.`,
    "adapter:",
    `  rank: ${adapter.rank}`,
  ];
}

function objectiveLines({ report }: Draft): string[] {
  if (report.answers === null) return [];
  return ["", "# The rows are preferences: docs/preferences.md.", "objective:", "  kind: dpo"];
}

function trainLines({ config: { train }, report }: Draft): string[] {
  const { epochs, lr } = train;
  return [
    "train:",
    epochs === undefined
      ? "  # epochs: 3 # passes over the rows; as many as make 100 updates, 1 to 10, where absent"
      : `  epochs: ${epochs} # passes over the rows`,
    `  lr: ${lr.toExponential().replace(/^(\d)e/, "$1.0e")} # peak learning rate`,
    `  # Chosen where absent: ${report.length}.`,
    `  # micro_batch_tokens: ${report.both_limit} # tokens on the GPU at once, and the longest row`,
    "  # recompute: true # less memory, more time",
  ];
}

function guardLines({ config: { guard }, model, report }: Draft): string[] {
  if (!guard || model.hasEncoder || report.answers !== null) {
    return ["guard: false # nothing is held to what the base knew"];
  }
  return [
    "# What may be forgotten. Without text the base writes some, once, which takes its time;",
    "# false trains without.",
    "guard:",
    `  budget: ${quoted(guard.budget)}`,
    "  # text: [keep.txt] # what must not be forgotten, a few hundred documents",
  ];
}

function evalLines({ paths, report }: Draft): string[] {
  if (!splits(report)) {
    return [`# Fewer than ${ENOUGH} rows: all are trained on, and none is only measured.`];
  }
  return [
    "# Rows that are only measured.",
    "eval:",
    "  data:",
    ...entries(paths, "test", "    "),
  ];
}

/** Text as YAML has it. */
const quoted = (text: string): string =>
  /^[A-Za-z_./][\w./@-]*$/.test(text) ? text : JSON.stringify(text);
