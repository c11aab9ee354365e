/**
 * `deno task inspect`: shows rows as the model will see them, and what is wrong with them.
 *
 * @module
 */
import {
  countFaults,
  countSupervised,
  describePath,
  encoderOf,
  type Example,
  type FaultCount,
  type FaultName,
  faultNames,
  faults,
  fitLength,
  lengthOf,
  lengthPercentiles,
  type Loaded,
  loadExamples,
  marksOf,
  roomOf,
} from "../data/mod.ts";
import { countDuplicates } from "../data/quality/mod.ts";
import { Model } from "../models/model.ts";
import type { Config, DataConfig } from "../train/config/mod.ts";
import { describeLoaded, longest, weightsOf } from "../train/setup.ts";
import { type Command, parseArguments } from "./parts/args.ts";
import { fetchFolder } from "./parts/hub.ts";
import { numberOf } from "./parts/number.ts";
import { exampleLines } from "./parts/show_tokens.ts";
import { answer, dim, say } from "./parts/term.ts";
import { configOf } from "./train.ts";

const COMMAND: Command = {
  usage: "inspect [CONFIG.json] [--section.key value]...",
  summary: "Shows training rows token by token with their mask, and counts what is wrong.",
  flags: {
    rows: { type: "string", help: "how many rows to show, spread over the data; 3 by default" },
    json: { type: "boolean", help: "print the counts as one JSON object" },
  },
  positionals: [0, 1],
  config: true,
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(COMMAND, args);
  const count = numberOf(parsed.flags, "rows", 3, { least: 0, whole: true });
  const { config } = configOf(parsed);
  using model = new Model(await fetchFolder(config.model, "model"));
  const sources: Loaded[] = [];
  for (const entry of config.data) sources.push(await readSource(model, config, entry));
  const whole = sources.flatMap(({ examples }) => examples);
  const report = await inspect(model, config, sources);
  if (parsed.flags["json"]) {
    answer(JSON.stringify(report));
    return 0;
  }
  for (const example of spread(whole, count)) {
    for (const line of exampleLines(example, model.tokenizer, report.limit)) answer(line);
  }
  for (const line of summary(report)) answer(line);
  return 0;
}

/** The rows of one entry at their full length, whatever their faults. */
async function readSource(model: Model, { train }: Config, entry: DataConfig): Promise<Loaded> {
  const loaded = await loadExamples({ ...entry, on_empty: "drop" }, encoderOf(model), {
    maxTokens: Infinity,
    exemplarsWithin: longest(model, train),
    vocabSize: model.config.vocabSize,
    allow: faultNames,
  });
  say(dim(describeLoaded(describePath(entry.path), loaded)));
  return loaded;
}

/** What a source gives to training. */
interface SourceReport {
  readonly path: string;
  readonly rows: number;
  readonly tokens: number;
  /** Tokens that the loss sees. */
  readonly supervised: number;
  /** Share of all supervised tokens: what the weights ask for, or what the rows come to. */
  readonly share: number;
}

/** What the data comes to. */
interface Report {
  readonly rows: number;
  readonly tokens: number;
  readonly supervised: number;
  readonly sources: readonly SourceReport[];
  /** The most tokens of a row in training. */
  readonly limit: number;
  /** Rows beyond it that are left out, and that are cut. */
  readonly too_long: number;
  readonly cut: number;
  /** Rows with an empty answer, which stop a run unless `on_empty` says to drop them. */
  readonly empty: number;
  /** Of whole rows. */
  readonly lengths: ReturnType<typeof lengthPercentiles>;
  /** Rows whose texts an earlier row has, exactly or nearly. */
  readonly duplicates: { readonly exact: number; readonly near: number };
  readonly faults: Readonly<Record<FaultName, FaultCount>>;
  /** Rows of which no end is learnt though that is no fault: text without EOS. */
  readonly endless: number;
  /** Faults that would stop the run. */
  readonly stops: readonly FaultName[];
}

async function inspect(
  model: Model,
  { data, mixture, train }: Config,
  sources: readonly Loaded[],
): Promise<Report> {
  const limit = longest(model, train);
  const encoder = encoderOf(model);
  const policy = train.on_too_long === "error" ? "drop" : train.on_too_long;
  const fitting = sources.map(({ examples }) =>
    examples.map((example) => fitLength(example, limit, policy, encoder.bos))
  );
  const whole = sources.flatMap(({ examples }) => examples);
  const reports = sourceReports(data, mixture, fitting.map((examples) => examples.flat()));
  const long = whole.filter((example) => roomOf(example) > limit).length;
  const tooLong = fitting.flat().filter((pieces) => pieces.length === 0).length;
  const marks = marksOf(encoder);
  const noted = (what: "empty" | "unsupervised") => sum(sources.map(({ noted }) => noted[what]));
  const found = {
    ...countFaults(whole, marks),
    unsupervised: { rows: noted("unsupervised"), first: null },
  };
  return {
    rows: sum(reports.map(({ rows }) => rows)),
    tokens: sum(reports.map(({ tokens }) => tokens)),
    supervised: sum(reports.map(({ supervised }) => supervised)),
    sources: reports,
    limit,
    too_long: tooLong,
    cut: long - tooLong,
    empty: noted("empty"),
    lengths: lengthPercentiles(whole),
    duplicates: await countDuplicates(data, new Set(whole.map(({ origin }) => origin))),
    faults: found,
    endless:
      whole.filter(({ labels, isAnswer }) =>
        !isAnswer && !labels.some((label) => marks.ends.has(label))
      ).length,
    stops: faultNames.filter((name) => found[name].rows > 0 && !train.allow.includes(name)),
  };
}

function sourceReports(
  data: readonly DataConfig[],
  mixture: Config["mixture"],
  used: readonly Example[][],
): SourceReport[] {
  const counts = used.map((examples) => sum(examples.map(countSupervised)));
  const sources = data.map(({ weight }, i) => ({ count: used[i]!.length, weight }));
  const parts = weightsOf(sources, mixture) ?? counts;
  return data.map(({ path }, i) => ({
    path: describePath(path),
    rows: used[i]!.length,
    tokens: sum(used[i]!.map(lengthOf)),
    supervised: counts[i]!,
    share: parts[i]! / sum(parts),
  }));
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);

/** Some of the examples, at even distances. */
function spread(examples: readonly Example[], count: number): Example[] {
  const shown = Math.min(count, examples.length);
  return Array.from(
    { length: shown },
    (_, i) => examples[Math.floor(i * examples.length / shown)]!,
  );
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function summary(report: Report): string[] {
  const { rows, tokens, supervised, sources, limit, lengths, duplicates } = report;
  const { p50, p90, p99, longest } = lengths;
  const noted = Object.entries({
    [`left out: longer than ${limit} tokens`]: report.too_long,
    [`cut: longer than ${limit} tokens`]: report.cut,
    "with an empty answer; data.on_empty says what becomes of them": report.empty,
    "with the texts of an earlier row": duplicates.exact,
    "with nearly the texts of an earlier row; deno task data drops them": duplicates.near,
    "of text that end without EOS; data.eos adds one": report.endless,
  }).filter(([, count]) => count > 0);
  return [
    `rows      ${rows}`,
    `tokens    ${tokens}, of which ${supervised} (${percent(supervised / tokens)}) are learned`,
    ...(sources.length > 1 ? sources.map(sourceLine) : []),
    `lengths   ${p50} (half), ${p90} (90 %), ${p99} (99 %), ${longest} (longest)`,
    ...noted.map(([what, count]) => `note      ${count} rows ${what}`),
    ...faultLines(report),
  ];
}

const sourceLine = ({ path, rows, supervised, share }: SourceReport): string =>
  `source    ${percent(share).padStart(7)} of what is learned: ${path}, ${rows} rows with ` +
  `${supervised} such tokens`;

function faultLines({ faults: found, stops }: Report): string[] {
  const lines = faultNames.filter((name) => found[name].rows > 0).map((name) => {
    const { rows, first } = found[name];
    const where = first === null ? "" : `, first ${first}`;
    const effect = stops.includes(name) ? "stops a run" : "allowed";
    return `fault     ${rows} rows with ${faults[name].found}${where} (${name}: ${effect})`;
  });
  return lines.length === 0 ? ["faults    none found"] : lines;
}
