/**
 * `deno task data`: leaves out rows that would harm training, and says how different the rest is.
 *
 * @module
 */
import { relative, resolve } from "node:path";
import type { DataEntry } from "../data/mod.ts";
import {
  DiskList,
  diversity,
  type Dropped,
  judge,
  mapped,
  PairTally,
  readRowTexts,
  type RowText,
  STEP_DEFAULTS,
  steps,
  type StepSettings,
} from "../curate/mod.ts";
import { ConfigError, FileError } from "../errors.ts";
import { encodeUtf8, exists, writeAll, writeFile } from "../io/files.ts";
import { didYouMean } from "../io/nearest.ts";
import { tell } from "../progress.ts";
import { parseConfig } from "../config/mod.ts";
import { type Arguments, type Command, parseArguments } from "./lib/args.ts";
import { diversityLines, pairLines } from "./lib/data_report.ts";
import { difficultyMeter, type RowSource } from "./lib/difficulty.ts";
import { numberOf } from "./lib/number.ts";
import { answer, bold, dim, say } from "./lib/term.ts";

const D = STEP_DEFAULTS;
const DEFAULT_STEPS = Object.keys(steps).filter((name) => steps[name]!.byDefault);

const COMMAND: Command = {
  usage: "data CONFIG.json | FILE... [--out FILE.jsonl] [--steps NAME,...]",
  summary: [
    "Drops rows that would harm training and reports how different the rest is. Kept rows are the",
    "lines of the input, unchanged and in order; what was dropped and why stands beside them in",
    "FILE.dropped.jsonl. Without --out nothing is written. Memory does not grow with the rows but by",
    "some 60 bytes each; they wait in a temporary file, two to three times as large as they are.",
    "Steps, each on what the last one left:",
    ...Object.entries(steps).map(([name, { help, byDefault }]) =>
      `  ${name.padEnd(13)} ${help}${byDefault ? "; by default" : ""}`
    ),
  ].join("\n"),
  flags: {
    out: { type: "string", help: "file for the rows that are kept" },
    steps: {
      type: "string",
      help: `steps to take, or none; ${DEFAULT_STEPS.join(",")} by default`,
    },
    format: { type: "string", help: "format of the rows; recognised by default" },
    template: { type: "string", help: "template of the rows for --model, as in a config" },
    tests: { type: "string", help: "files of tests, with commas; takes the step contaminated" },
    select: { type: "string", help: "how many rows to choose; takes the step select" },
    model: { type: "string", help: "model that finds the difficulty; takes the step difficulty" },
    near: { type: "string", help: `least Jaccard index of near-duplicates; ${D.near} by default` },
    "top-share": {
      type: "string",
      help: `most of one 4-gram in an answer; ${D.topShare} by default`,
    },
    "unique-share": {
      type: "string",
      help: `least share of different words in an answer; ${D.uniqueShare} by default`,
    },
    "length-z": { type: "string", help: `most deviations of a length; ${D.lengthZ} by default` },
    ascii: { type: "string", help: `least share of ASCII characters; ${D.ascii} by default` },
    script: {
      type: "string",
      help: `script of ${100 * D.scriptShare} % of the letters; ${D.script} by default`,
    },
    "least-ifd": { type: "string", help: `least difficulty; ${D.difficulty[0]} by default` },
    "most-ifd": { type: "string", help: `most difficulty; ${D.difficulty[1]} by default` },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [1, Infinity],
  config: false,
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { positionals, flags } = parseArguments(COMMAND, args);
  const source = sourceOf(positionals, flags);
  const taken = stepsOf(flags);
  const { out } = flags;
  const droppedOut = out && droppedFile(out);
  for (const path of [out, droppedOut]) if (path) refuseTaken(path);
  await using meter = taken.includes("difficulty") ? await difficultyMeter(source) : null;
  const settings = await settingsOf(flags, meter?.measure ?? null);
  using rows = new DiskList<RowText>();
  const pairs = new PairTally();
  await readAll(source.entries, rows, pairs);
  using drops = new DiskList<string>();
  const tally = tallyOf(taken);
  const kept = await judge(rows, taken, settings, {
    dropped(drop) {
      note(tally, drop);
      if (out) drops.push(droppedLine(drop));
    },
    reads: (step, i, count) => tell(step, i, count),
  });
  for (const line of stepLines(rows.length, tally, kept.length)) say(line);
  const compared = pairs.report();
  for (const line of compared ? pairLines(compared) : []) say(line);
  if (kept.length === 0) {
    throw new FileError(`Found no row that passes all steps, wanted one at least`);
  }
  if (out && droppedOut) {
    writeLines(droppedOut, drops);
    writeLines(out, mapped(kept, ({ line }) => line));
  }
  let read = 0;
  const report = diversity(mapped(kept, (row) => {
    tell("diversity of rows read", ++read);
    return row;
  }));
  if (flags["json"]) {
    const dropped = Object.fromEntries(tally.entries().map(([step, { count }]) => [step, count]));
    const found = { rows: rows.length, kept: kept.length, dropped, diversity: report };
    answer(JSON.stringify({ ...found, ...(compared && { pairs: compared }) }));
  } else for (const line of diversityLines(report)) answer(line);
  return 0;
}

/** A JSON file with the keys of a config is one; anything else holds rows. */
function sourceOf(paths: readonly string[], flags: Arguments["flags"]): RowSource {
  const { format, template, model } = flags;
  const [first = ""] = paths;
  if (paths.length === 1 && isConfig(first)) {
    const stray = ["format", "template"].find((name) => flags[name] !== undefined);
    if (stray) throw new ConfigError(`Found --${stray} beside a config, wanted it in its entries`);
    const { config } = parseConfig({ file: first, flags: model ? { model } : {} });
    return { entries: config.data, model: config.model };
  }
  const entries = paths.map((path) => {
    return { path, ...(format ? { format } : {}), ...(template ? { template } : {}) };
  });
  return { entries, model: model ?? null };
}

/** Bytes; a larger file is read row by row. */
const LARGEST_CONFIG = 2 ** 20;

function isConfig(path: string): boolean {
  if (!path.endsWith(".json")) return false;
  try {
    if (Deno.statSync(path).size > LARGEST_CONFIG) return false;
    const value: unknown = JSON.parse(Deno.readTextFileSync(path));
    return typeof value === "object" && value !== null && "data" in value && "model" in value;
  } catch {
    return false; // whatever is wrong with it, the reader of rows says it with file and line
  }
}

/** The steps that were named, and those that a flag asks for. */
function stepsOf(flags: Arguments["flags"]): string[] {
  const named = flags["steps"]?.split(",").filter((name) => name !== "none" && name !== "");
  const known = Object.keys(steps);
  const unknown = named?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const wanted = `some of ${known.join(",")}${didYouMean(unknown, known)}`;
    throw new ConfigError(`Found the step ${unknown} in --steps, wanted ${wanted}`);
  }
  const asked = { contaminated: "tests", select: "select", difficulty: "model" };
  const missing = Object.entries(asked).find(([step, flag]) =>
    named?.includes(step) && flags[flag] === undefined && flag !== "model"
  );
  if (missing) throw new ConfigError(`Found the step ${missing[0]} without --${missing[1]}`);
  const byFlag = Object.entries(asked).filter(([, flag]) => flags[flag] !== undefined);
  return [...new Set([...(named ?? DEFAULT_STEPS), ...byFlag.map(([step]) => step)])];
}

async function settingsOf(
  flags: Arguments["flags"],
  measure: StepSettings["measure"],
): Promise<StepSettings> {
  const share = (name: string, fallback: number) =>
    numberOf(flags, name, fallback, { least: 0, most: 1 });
  const { tests, script = D.script } = flags;
  const testEntries = tests?.split(",").map((path) => ({ path })) ?? [];
  return {
    ...D,
    topShare: share("top-share", D.topShare),
    uniqueShare: share("unique-share", D.uniqueShare),
    lengthZ: numberOf(flags, "length-z", D.lengthZ, { least: 0 }),
    ascii: share("ascii", D.ascii),
    script: knownScript(script),
    near: numberOf(flags, "near", D.near, { least: 0.71, most: 1 }),
    tests: (await Promise.all(testEntries.map((entry) => Array.fromAsync(readRowTexts(entry)))))
      .flat(),
    difficulty: [
      numberOf(flags, "least-ifd", D.difficulty[0], { least: 0 }),
      numberOf(flags, "most-ifd", D.difficulty[1], { least: 0 }),
    ],
    measure,
    count: numberOf(flags, "select", D.count, { least: 1, whole: true }),
  };
}

function knownScript(name: string): string {
  try {
    new RegExp(`\\p{Script=${name}}`, "u");
    return name;
  } catch {
    throw new ConfigError(
      `Found --script ${name}, wanted a script of Unicode, such as Latin or Han`,
    );
  }
}

/** Reads all rows of all sources: they are compared with each other. */
async function readAll(
  entries: readonly DataEntry[],
  rows: DiskList<RowText>,
  pairs: PairTally,
): Promise<void> {
  let first: RowText | undefined;
  for (const entry of entries) {
    for await (const row of readRowTexts(entry, (content) => pairs.add(content))) {
      first ??= row;
      if (row.format !== first.format) {
        const found = `${row.format} rows after the ${first.format} rows of ${first.origin}`;
        throw new FileError(`${row.origin}: found ${found}, wanted one format, as one file has`);
      }
      rows.push(row);
      tell("reading rows", rows.length);
    }
  }
}

/** `clean.jsonl` has `clean.dropped.jsonl` beside it. */
function droppedFile(out: string): string {
  if (out.endsWith(".jsonl")) return out.replace(/\.jsonl$/, ".dropped.jsonl");
  throw new ConfigError(`Found --out ${out}, wanted a name that ends in .jsonl`);
}

function refuseTaken(path: string): void {
  if (exists(path)) throw new FileError(`Found ${path} there already, wanted a new file`);
}

function writeLines(path: string, lines: Iterable<string>): void {
  writeFile(path, (file) => {
    let text = "";
    for (const line of lines) {
      text += `${line}\n`;
      if (text.length < WRITTEN_AT_ONCE) continue;
      writeAll(file, encodeUtf8(text));
      text = "";
    }
    writeAll(file, encodeUtf8(text));
  });
}

/** Characters. */
const WRITTEN_AT_ONCE = 1 << 16;

/** The row stands in it as it was read. */
function droppedLine({ row, step, reason }: Dropped): string {
  const said = JSON.stringify({ step, reason, origin: row.origin });
  return `${said.slice(0, -1)},"row":${row.line}}`;
}

/** How many rows each step dropped, and an example. */
type Tally = Map<string, { count: number; example: string }>;

function tallyOf(taken: readonly string[]): Tally {
  const inOrder = Object.keys(steps).filter((name) => taken.includes(name));
  return new Map(inOrder.map((name) => [name, { count: 0, example: "" }]));
}

function note(tally: Tally, { row, step, reason }: Dropped): void {
  const own = tally.get(step)!;
  if (own.count++ === 0) own.example = `${relative(resolve(), resolve(row.origin))}: ${reason}`;
}

/** One line a step, with an example of what it dropped. */
function stepLines(rows: number, tally: Tally, kept: number): string[] {
  return [
    `${"rows".padEnd(14)}${`${rows}`.padStart(7)}`,
    ...tally.entries().map(([name, { count, example }]) =>
      `${name.padEnd(14)}${`-${count}`.padStart(7)}  ${dim(example)}`
    ),
    bold(`${"kept".padEnd(14)}${`${kept}`.padStart(7)}`),
  ];
}
