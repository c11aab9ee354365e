/**
 * `deno task inspect`: shows rows as the model will see them, and what is wrong with them.
 *
 * @module
 */
import {
  type Content,
  describePath,
  type Example,
  type Examples,
  ExampleStore,
  type FaultCount,
  type FaultName,
  faultNames,
  faults,
  type Given,
  Inspection,
  type Lengths,
  type LoadCounts,
  type LoadOptions,
  noCounts,
  policyOf,
  readContents,
  requireRows,
  rowEncoder,
  rowTokenizer,
} from "../data/mod.ts";
import { countDuplicates, DiskList, TextIndex } from "../curate/mod.ts";
import { Model } from "../models/model.ts";
import type { Config, DataConfig } from "../config/mod.ts";
import { describeLoaded, unreadBy } from "../train/loaded.ts";
import { lengthsIn, optionsOf, weightsOf } from "../train/rows.ts";
import { lengthFor } from "../train/sizes/choice.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { fetchFolder } from "./lib/hub.ts";
import { numberOf } from "./lib/number.ts";
import { exampleLines } from "./lib/show_tokens.ts";
import { answer, dim, say } from "./lib/term.ts";
import { methodsOf } from "../methods.ts";
import { CONFIG_FLAGS, configOf } from "./train.ts";

const COMMAND: Command = {
  usage: "inspect [CONFIG] [--preset NAME] [--section.key value]...",
  summary: "Shows training rows token by token with their mask, and counts what is wrong.",
  flags: {
    ...CONFIG_FLAGS,
    rows: { type: "string", help: "how many rows to show, spread over the data; 3 by default" },
    json: { type: "boolean", help: "print the counts as one JSON object" },
  },
  positionals: [0, 1],
  config: true,
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(COMMAND, args);
  const rows = numberOf(parsed.flags, "rows", 3, { least: 0, whole: true });
  const shown = parsed.flags["json"] ? 0 : rows;
  const { config } = configOf(parsed);
  using model = new Model(await fetchFolder(config.model, "model"), config);
  using whole = new ExampleStore();
  const report = await inspect(model, config, (example) => {
    if (shown > 0) whole.keep(example);
  });
  if (parsed.flags["json"]) {
    answer(JSON.stringify(report));
    return 0;
  }
  for (const example of spread(whole, shown)) {
    for (const line of exampleLines(example, model.tokenizer, report)) answer(line);
  }
  for (const line of summary(report)) answer(line);
  return 0;
}

/** What a source gives to training. */
export interface SourceReport extends Readonly<Given> {
  readonly path: string;
  /** How many of its rows were read in each format. */
  readonly formats: Readonly<Record<string, number>>;
  /** How many of its rows have each field that nothing reads. */
  readonly unread: Readonly<Record<string, number>>;
  /** Share of all supervised tokens: what the weights ask for, or what the rows come to. */
  readonly share: number;
}

/** What the data comes to. */
export interface Report {
  readonly rows: number;
  readonly tokens: number;
  readonly supervised: number;
  readonly sources: readonly SourceReport[];
  /** The most tokens of a row in training. */
  readonly limit: number;
  /** Why so many. */
  readonly length: string;
  /** The most tokens of both documents of a preference. */
  readonly both_limit: number;
  /** Mean tokens of the answers of preferences; null where there are none. */
  readonly answers: { readonly chosen: number; readonly rejected: number } | null;
  /** Rows by their label; null where there are no labels. */
  readonly labels: Readonly<Record<string, number>> | null;
  /** Rows beyond it that are left out, and that are cut. */
  readonly too_long: number;
  readonly cut: number;
  /** Rows with an empty answer, which stop a run unless `on_empty` says to drop them. */
  readonly empty: number;
  /** Of whole rows. */
  readonly lengths: Lengths;
  /** Rows whose texts an earlier row has, exactly or nearly. */
  readonly duplicates: { readonly exact: number; readonly near: number };
  readonly faults: Readonly<Record<FaultName, FaultCount>>;
  /** Rows of which no end is learnt though that is no fault: text without EOS. */
  readonly endless: number;
  /** Rows in whose fields special tokens are written out that stay text. */
  readonly typed_special: number;
  /** Faults that would stop the run. */
  readonly stops: readonly FaultName[];
}

/** Reads all rows, and gives each to `take` at its full length. */
export async function inspect(
  model: Model,
  config: Config,
  take: (example: Example) => void,
): Promise<Report> {
  const { data, train } = config;
  const methods = methodsOf(config);
  const length = await lengthFor({ model, methods }, train, () => {
    return lengthsIn(model, [...data, ...config.eval.data], config, "any");
  });
  const limit = Math.min(length.T, model.config.context);
  const inspection = new Inspection(rowTokenizer(model), { limit, bothLimit: length.T });
  const { labels } = methods.main;
  const options = optionsOf(model, config);
  using origins = new DiskList<string>();
  const given: Given[] = [];
  const counted: LoadCounts[] = [];
  for (const entry of data) {
    const counts = noCounts();
    const source = { rows: 0, tokens: 0, supervised: 0 };
    for await (const { example, kind } of wholeRows(model, entry, { limit, labels }, counts)) {
      const policy = policyOf(kind, options);
      inspection.add(example, policy === "error" ? "drop" : policy, source);
      origins.push(example.origin);
      take(example);
    }
    say(dim(describeLoaded(describePath(entry.path), counts, config)));
    given.push(source);
    counted.push(counts);
  }
  const index = new TextIndex(origins);
  const noted = (what: keyof LoadCounts["noted"]) => sum(counted.map(({ noted }) => noted[what]));
  const { tooLong, cut, endless, lengths } = inspection;
  const { rows, chosen, rejected } = inspection.preferences;
  const found = {
    ...inspection.faults,
    unsupervised: { rows: noted("unsupervised"), first: null },
  };
  return {
    rows: sum(given.map(({ rows }) => rows)),
    tokens: sum(given.map(({ tokens }) => tokens)),
    supervised: sum(given.map(({ supervised }) => supervised)),
    sources: sourceReports(config, given, counted),
    limit,
    both_limit: length.T,
    length: train.micro_batch_tokens === undefined
      ? `${length.why}, as far as memory goes`
      : length.why,
    answers: rows === 0 ? null : { chosen: chosen / rows, rejected: rejected / rows },
    labels: inspection.labels.length === 0
      ? null
      : byName(inspection.labels, labels ?? ["false", "true"]),
    too_long: tooLong,
    cut,
    empty: noted("empty"),
    typed_special: noted("with_special_tokens_as_text"),
    lengths,
    duplicates: await countDuplicates(data, (origin) => index.find(origin) !== undefined),
    faults: found,
    endless,
    stops: faultNames.filter((name) => found[name].rows > 0 && !train.allow.includes(name)),
  };
}

/** The rows of one entry at their full length, whatever their faults. */
async function* wholeRows(
  model: Model,
  entry: DataConfig,
  { limit: exemplarsWithin, labels }: Pick<LoadOptions, "labels"> & { readonly limit: number },
  counts: LoadCounts,
): AsyncGenerator<{ example: Example; kind: Content["kind"] }> {
  const { vocabSize } = model.config;
  const options = {
    maxTokens: Infinity,
    exemplarsWithin,
    vocabSize,
    allow: faultNames,
    answers: "any" as const,
    labels,
  };
  const rows = { ...entry, on_empty: "drop" as const };
  const encodeRow = rowEncoder(rows, rowTokenizer(model), options);
  for await (const sampled of readContents(rows, (what) => counts.noted[what]++, counts)) {
    const { content: { kind } } = sampled;
    for (const example of encodeRow(sampled, counts)) yield { example, kind };
  }
  requireRows(entry, counts, options);
}

function sourceReports(
  config: Config,
  given: readonly Given[],
  counted: readonly LoadCounts[],
): SourceReport[] {
  const { data, mixture } = config;
  const sources = data.map(({ weight }, i) => ({ count: given[i]!.rows, weight }));
  const parts = weightsOf(sources, mixture) ?? given.map(({ supervised }) => supervised);
  return data.map(({ path }, i) => {
    const { formats, unread: all } = counted[i]!;
    const unread = Object.fromEntries(unreadBy(config, all));
    const share = shareOf(parts[i]!, sum(parts));
    return { path: describePath(path), ...given[i]!, share, formats, unread };
  });
}

/** A part of a whole; of nothing, nothing. */
const shareOf = (part: number, whole: number) => whole === 0 ? 0 : part / whole;

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);

/** Some of the examples, at even distances. */
function spread(examples: Examples, count: number): Example[] {
  const shown = Math.min(count, examples.length);
  return Array.from(
    { length: shown },
    (_, i) => examples.at(Math.floor(i * examples.length / shown))!,
  );
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function summary(report: Report): string[] {
  const { rows, tokens, supervised, sources, limit, lengths, duplicates, answers, labels } = report;
  const { p50, p90, p99, longest } = lengths;
  const noted = Object.entries({
    [`left out: longer than ${limit} tokens`]: report.too_long,
    [`cut or split: longer than ${limit} tokens`]: report.cut,
    "with an empty answer; data.on_empty says what becomes of them": report.empty,
    "with special tokens written out, which stay text; data.special_tokens reads them": report
      .typed_special,
    "with the texts of an earlier row": duplicates.exact,
    "with nearly the texts of an earlier row; deno task data drops them": duplicates.near,
    "of text that end without EOS; data.eos adds one": report.endless,
  }).filter(([, count]) => count > 0);
  const formats = new Set(sources.flatMap(({ formats }) => Object.keys(formats)));
  const unread = sources.flatMap(({ unread }) => Object.entries(unread));
  return [
    ...(formats.size > 0 ? [`format    ${[...formats].join(", ")}`] : []),
    `length    up to ${limit} tokens: ${report.length}`,
    `rows      ${rows}`,
    `tokens    ${tokens}, of which ${supervised} (${
      percent(shareOf(supervised, tokens))
    }) are learned`,
    ...(sources.length > 1 ? sources.map(sourceLine) : []),
    ...(answers
      ? [
        `answers   ${answers.chosen.toFixed(1)} tokens chosen, ${
          answers.rejected.toFixed(1)
        } rejected`,
      ]
      : []),
    ...(labels ? [`labels    ${labelCounts(labels)}`] : []),
    `lengths   ${p50} (half), ${p90} (90 %), ${p99} (99 %), ${longest} (longest)`,
    ...noted.map(([what, count]) => `note      ${count} rows ${what}`),
    ...unread.map(([field, count]) => `note      ${count} rows with ${field}, which nothing reads`),
    ...faultLines(report),
  ];
}

const labelCounts = (labels: NonNullable<Report["labels"]>): string =>
  Object.entries(labels).map(([name, rows]) => `${name} ${rows}`).join(", ");

/** How many rows have each label. */
const byName = (counts: readonly number[], names: readonly string[]): Record<string, number> =>
  Object.fromEntries(names.map((name, i) => [name, counts[i] ?? 0]));

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
