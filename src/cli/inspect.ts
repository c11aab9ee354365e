/**
 * `deno task inspect`: shows rows as the model will see them, and what is wrong with them.
 *
 * @module
 */
import {
  countFaults,
  countSupervised,
  type Example,
  type FaultCount,
  type FaultName,
  faultNames,
  faults,
  lengthPercentiles,
  limitLength,
  loadExamples,
  marksOf,
} from "../data/mod.ts";
import { countDuplicates } from "../data/quality/mod.ts";
import { Model } from "../models/model.ts";
import type { Config, DataConfig } from "../train/config/mod.ts";
import { encoderOf, longest } from "../train/setup.ts";
import { type Command, parseArguments } from "./args.ts";
import { numberOf } from "./number.ts";
import { exampleLines } from "./show_tokens.ts";
import { answer, dim, say } from "./term.ts";
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
  using model = new Model(config.model);
  const sources: Source[] = [];
  for (const entry of config.data) sources.push(await readSource(model, entry));
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

/** One entry of the data: its rows at their full length, whatever their faults. */
interface Source {
  readonly entry: DataConfig;
  readonly examples: readonly Example[];
  readonly empty: number;
  readonly unsupervised: number;
}

async function readSource(model: Model, entry: DataConfig): Promise<Source> {
  say(dim(`reading ${entry.path}`));
  const { examples, empty, unsupervised } = await loadExamples(
    { ...entry, on_empty: "drop" },
    encoderOf(model),
    { maxTokens: Infinity, vocabSize: model.config.vocabSize, allow: faultNames },
  );
  return { entry, examples, empty, unsupervised };
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
  readonly truncated: number;
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
  { data, train }: Config,
  sources: readonly Source[],
): Promise<Report> {
  const limit = longest(model, train);
  const cut = train.on_too_long === "truncate" ? "truncate" : "drop";
  const used = sources.map(({ examples }) =>
    examples.map((example) => limitLength(example, limit, cut)).filter((used) => used !== null)
  );
  const whole = sources.flatMap(({ examples }) => examples);
  const reports = sourceReports(data, used);
  const long = whole.filter(({ ids }) => ids.length > limit).length;
  const tooLong = whole.length - used.flat().length;
  const marks = marksOf(encoderOf(model));
  const found = {
    ...countFaults(whole, marks),
    unsupervised: { rows: sum(sources.map(({ unsupervised }) => unsupervised)), first: null },
  };
  return {
    rows: sum(reports.map(({ rows }) => rows)),
    tokens: sum(reports.map(({ tokens }) => tokens)),
    supervised: sum(reports.map(({ supervised }) => supervised)),
    sources: reports,
    limit,
    too_long: tooLong,
    truncated: long - tooLong,
    empty: sum(sources.map(({ empty }) => empty)),
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

function sourceReports(data: readonly DataConfig[], used: readonly Example[][]): SourceReport[] {
  const counts = used.map((examples) => sum(examples.map(countSupervised)));
  const isMixture = data.some(({ weight }) => weight !== undefined);
  const parts = isMixture ? data.map(({ weight }) => weight ?? 1) : counts;
  return data.map(({ path }, i) => ({
    path,
    rows: used[i]!.length,
    tokens: sum(used[i]!.map(({ ids }) => ids.length)),
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
    [`cut to ${limit} tokens`]: report.truncated,
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
