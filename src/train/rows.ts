/**
 * The rows that a run trains on.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  areLarge,
  countSupervised,
  Dataset,
  describePath,
  encodeRows,
  type Example,
  type Examples,
  lengthOf,
  type LoadCounts,
  type LoadOptions,
  noCounts,
  proportionalShares,
  requireRows,
  rowTokenizer,
  type Source,
} from "../data/mod.ts";
import { methodsOf } from "../methods.ts";
import type { Model } from "../models/model.ts";
import type { Config, DataConfig } from "../config/mod.ts";
import { ConfigError, StoppedError } from "../errors.ts";
import { tell } from "../progress.ts";

/** What a run says of itself while it is set up and trains. */
export type Say = (line: string) => void;

/** The rows of several sources, one source after the other, until they are disposed of. */
export interface Rows extends AsyncDisposable {
  readonly examples: Examples;
  /** A hash of what they say: a run goes on only with the same. */
  readonly contents: string;
  /** How many each source has, where it comes from, its weight if it has one, and its tokens. */
  readonly sources: readonly {
    readonly path: string;
    readonly count: number;
    readonly weight: number | undefined;
    /** Of its examples, all and those that the loss sees; null where they are encoded later. */
    readonly tokens: number | null;
    readonly supervised: number | null;
  }[];
  /**
   * Waits until every row is encoded, so that none is left that could not be used.
   *
   * @throws {ConfigError} {FileError} if there is one.
   */
  readonly finished: () => Promise<void>;
  /** Whether it is an error of a row that training had begun without. */
  readonly isFault: (error: unknown) => boolean;
}

/**
 * Opens what a run trains on. Rows are encoded before it begins where there are few, or where all
 * must be known to begin: the number of updates of `epochs` depends on them, pieces of rows have a
 * place of their own in the order, and shares by size are of rows that are not left out. All others
 * are only read, and encoded while it trains.
 *
 * @throws {ConfigError} {FileError} if a row cannot be used.
 */
export async function openRows(model: Model, config: Config, say: Say): Promise<Rows> {
  const { data, train } = config;
  const { dataset, read } = await readRows(model, config);
  const needsAll = train.steps === undefined || dataset.canSplit || config.mixture;
  const isBefore = needsAll || !(await areLarge(data));
  const rows = {
    contents: dataset.contents,
    isFault: (error: unknown) => error === dataset.fault && !(error instanceof StoppedError),
    [Symbol.asyncDispose]: () => dataset[Symbol.asyncDispose](),
  };
  const sourcesOf = (counts: readonly SourceCounts[]) =>
    data.map(({ path, weight }, i) => {
      const { rows: count, tokens, supervised } = counts[i]!;
      return { path: describePath(path), count, weight, tokens, supervised };
    });
  if (!isBefore) {
    const sources = sourcesOf(read.map((rows) => ({ rows, tokens: null, supervised: null })));
    for (const { path, count } of sources) {
      say(`data: ${path}: ${count} rows read, to be encoded while it trains`);
    }
    const counts = countsOf(dataset, data, say);
    const finished = async () => void await counts;
    return { ...rows, examples: dataset, sources, finished };
  }
  try {
    const all = Promise.all([dataset.all(), countsOf(dataset, data, say)]);
    const [examples, counts] = await all;
    for (const [i, { path }] of data.entries()) sayTooLong(path, counts[i]!, model, config, say);
    const sources = sourcesOf(counts);
    return { ...rows, examples, sources, finished: () => Promise.resolve() };
  } catch (fault) {
    await dataset[Symbol.asyncDispose]();
    throw fault;
  }
}

/** What is known of a source when training begins. */
type SourceCounts = Pick<LoadCounts, "rows"> & {
  readonly tokens: number | null;
  readonly supervised: number | null;
};

/** Rows that a program has encoded itself. */
export const rowsOf = (examples: readonly Example[]): Rows => ({
  examples,
  contents: contentsOf(examples),
  sources: [{
    path: "rows of the program",
    count: examples.length,
    weight: undefined,
    tokens: examples.reduce((sum, example) => sum + lengthOf(example), 0),
    supervised: examples.reduce((sum, example) => sum + countSupervised(example), 0),
  }],
  finished: () => Promise.resolve(),
  isFault: () => false,
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

function contentsOf(examples: readonly Example[]): string {
  const hash = createHash("sha256");
  for (const { ids, labels, sourceLength, sides, label } of examples) {
    const parts = { sourceLength, ...sides, label };
    hash.update(`${ids.length} ${JSON.stringify(parts)} `).update(ids).update(labels);
  }
  return hash.digest("hex");
}

/** Reads the rows of all sources, and counts those of each. */
async function readRows(model: Model, config: Config) {
  const { data } = config;
  const read = data.map(() => 0);
  const dataset = await Dataset.read(data, tokenizerOf(model), {
    ...limitsOf(model, config),
    onRow(source) {
      read[source]!++;
      tell(`reading rows of ${describePath(data[source]!.path)}`, read[source]!);
    },
  });
  return { dataset, read };
}

/** What came of each source, said when all rows are encoded. */
function countsOf(dataset: Dataset, data: readonly DataConfig[], say: Say) {
  const counts = dataset.finished().then((counts) => {
    for (const [i, { path }] of data.entries()) say(describeLoaded(describePath(path), counts[i]!));
    return counts;
  });
  counts.catch(() => {/* whoever waits for rows sees it */});
  return counts;
}

/** Gives the rows of several sources to `take`, and says what was left out. */
export async function loadRows(
  model: Model,
  entries: readonly DataConfig[],
  config: Config,
  say: Say,
  take: (example: Example) => void,
): Promise<void> {
  const options = limitsOf(model, config);
  for (const entry of entries) {
    const path = describePath(entry.path);
    const counts = noCounts();
    for await (const example of encodeRows(entry, rowTokenizer(model), options, counts)) {
      take(example);
      tell(`reading rows of ${path}`, counts.rows);
    }
    requireRows(entry, counts, options);
    say(describeLoaded(path, counts));
    sayTooLong(entry.path, counts, model, config, say);
  }
}

const tokenizerOf = (model: Model) => ({ tokenizer: rowTokenizer(model), folder: model.folder });

const limitsOf = (model: Model, config: Config): LoadOptions => ({
  answers: methodsOf(config).main.answers,
  labels: methodsOf(config).main.labels,
  maxTokens: longest(model, config.train),
  bothTokens: config.train.micro_batch_tokens,
  ...(config.train.on_too_long ? { onTooLong: config.train.on_too_long } : { splitsTexts: true }),
  vocabSize: model.config.vocabSize,
  allow: config.train.allow,
});

/** The share of rows left out for their length from which on it is said what would keep them. */
const FEW = 0.01;

/**
 * Says which key keeps the rows that are left out for their length.
 *
 * @throws {ConfigError} where half of them are, and nobody has said that they may.
 */
function sayTooLong(
  path: DataConfig["path"],
  { rows, skipped }: LoadCounts,
  model: Model,
  { train }: Config,
  say: Say,
): void {
  const all = rows + skipped;
  if (skipped <= FEW * all) return;
  const limit = longest(model, train);
  const key = limit < model.config.context
    ? "a larger train.micro_batch_tokens"
    : "a model of a longer context";
  const found = `${
    describePath(path)
  }: found ${skipped} of ${all} rows longer than ${limit} tokens`;
  const wanted = `${key}, or train.on_too_long split or truncate`;
  if (2 * skipped >= all && train.on_too_long === undefined) {
    throw new ConfigError(`${found}, wanted fewer than half: ${wanted}, or drop to leave them out`);
  }
  say(`${found}, which are left out; they would be kept by ${wanted}`);
}

/** What a source gave, what was left out, and the fields that nothing has read. */
export function describeLoaded(
  path: string,
  { rows, skipped, cut, noted, unread }: LoadCounts,
): string {
  const counts = Object.entries({ "too long": skipped, cut, ...noted })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `, ${count} ${what.replaceAll("_", " ")}`);
  const fields = Object.entries(unread).map(([field, count]) => `${field} (${count} rows)`);
  const ignored = fields.length === 0 ? "" : `; not read: ${fields.join(", ")}`;
  return `data: ${path}: ${rows} rows${counts.join("")}${ignored}`;
}

/** What each source weighs; null where none is mixed and each row comes once. */
export function weightsOf(
  sources: readonly Pick<Rows["sources"][number], "count" | "weight">[],
  mixture: Config["mixture"],
): number[] | null {
  if (mixture) return proportionalShares(sources.map(({ count }) => count), mixture);
  if (sources.every(({ weight }) => weight === undefined)) return null;
  return sources.map(({ weight = 1 }) => weight);
}

/** How the sources are mixed, and who is told of each epoch; nothing where each row comes once. */
export function mixtureOf(
  { sources }: Pick<Rows, "sources">,
  mixture: Config["mixture"],
  say: Say,
) {
  const weights = weightsOf(sources, mixture);
  if (weights === null) return {};
  return {
    sources: sources.map(({ count }, i): Source => ({ count, weight: weights[i]! })),
    onEpochEnd: (epoch: number, tokens: readonly number[]) => {
      const total = tokens.reduce((sum, count) => sum + count, 0);
      const parts = tokens.map((count, i) =>
        `${(100 * count / total).toFixed(2)} % ${sources[i]!.path}`
      );
      say(`epoch ${epoch + 1}: of ${total} supervised tokens ${parts.join(", ")}`);
    },
  };
}

/** The most tokens of a document: what fits into a micro-batch, and what the model was made for. */
export const longest = ({ config }: Model, { micro_batch_tokens: T }: Config["train"]): number =>
  Math.min(T, config.context);
