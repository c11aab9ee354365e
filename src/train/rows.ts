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
  type LengthLimits,
  lengthOf,
  type LoadCounts,
  type LoadOptions,
  noCounts,
  packedLength,
  proportionalShares,
  requireRows,
  rowTokenizer,
  type Source,
  type SourceLengths,
} from "../data/mod.ts";
import { methodsOf } from "../methods.ts";
import type { Model } from "../models/model.ts";
import type { Config, DataConfig, SizedConfig } from "../config/mod.ts";
import { StoppedError } from "../errors.ts";
import { tell } from "../progress.ts";
import { describeLoaded } from "./loaded.ts";
import { longest } from "./sizes/run_plan.ts";
import { leftOut, sayTooLong, tooLongIn } from "./sizes/too_long.ts";

/** What a run says of itself while it is set up and trains. */
export type Say = (line: string) => void;

/** The rows of several sources, one source after the other. */
export interface Rows {
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

/** Rows that are read and wait to be encoded, until they are disposed of; and so do those encoded. */
export interface ReadRows extends AsyncDisposable {
  /** How long they are, of each source. */
  lengths(): SourceLengths[];
  /**
   * Encodes them, before a run begins where there are few, or where all must be known to begin: the
   * number of updates of `epochs` depends on them, pieces of rows have a place of their own in the
   * order, and shares by size are of rows that are not left out. All others are encoded while it
   * trains.
   *
   * @throws {ConfigError} {FileError} if a row cannot be used, or half of a source would be left out.
   */
  encode(config: SizedConfig): Promise<Rows>;
}

/**
 * Reads what a run trains on.
 *
 * @throws {ConfigError} {FileError} if a file or a row cannot be used.
 */
export async function readRows(model: Model, config: Config, say: Say): Promise<ReadRows> {
  const { data } = config;
  const read = data.map(() => 0);
  let judge: (counts: readonly LoadCounts[]) => void = () => {};
  const dataset = await Dataset.read(data, tokenizerOf(model), {
    ...optionsOf(model, config),
    maxTokens: Infinity, // until it is known
    onRow(source) {
      read[source]!++;
      tell(`reading rows of ${describePath(data[source]!.path)}`, read[source]!);
    },
    onEncoded: (counts) => judge(counts),
  });
  const lengths = once(() => dataset.lengths());
  return {
    lengths,
    async encode(config) {
      dataset.limit(limitsOf(model, config));
      judge = (counts) => {
        for (const [i, { path }] of data.entries()) {
          say(describeLoaded(describePath(path), counts[i]!, config));
          sayTooLong(leftOut(describePath(path), counts[i]!), model, config, say);
        }
      };
      const { train } = config;
      const needsAll = train.steps === undefined || dataset.canSplit || config.mixture;
      if (needsAll || !(await areLarge(data))) return await encodedBefore(dataset, config);
      // Half of them too long is seen at once: a run does not wait for the last to be refused.
      for (const [i, of] of lengths().entries()) {
        const found = tooLongIn(describePath(data[i]!.path), of, longest(model, train));
        sayTooLong(found, model, config, () => {/* exactly once all are encoded */});
      }
      return encodedMeanwhile(dataset, read, config, say);
    },
    [Symbol.asyncDispose]: () => dataset[Symbol.asyncDispose](),
  };
}

/** Rows that are all encoded. */
async function encodedBefore(dataset: Dataset, config: SizedConfig): Promise<Rows> {
  const [examples, counts] = await Promise.all([dataset.all(), dataset.finished()]);
  return {
    ...partsOf(dataset),
    examples,
    sources: sourcesOf(config, counts),
    finished: () => Promise.resolve(),
  };
}

/** Rows that are encoded while others are trained on. */
function encodedMeanwhile(
  dataset: Dataset,
  read: readonly number[],
  config: SizedConfig,
  say: Say,
): Rows {
  const sources = sourcesOf(config, read.map((rows) => ({ rows, tokens: null, supervised: null })));
  for (const { path, count } of sources) {
    say(`data: ${path}: ${count} rows read, to be encoded while it trains`);
  }
  return {
    ...partsOf(dataset),
    examples: dataset,
    sources,
    finished: async () => void await dataset.finished(),
  };
}

/** What is known of a source when training begins. */
type SourceCounts = Pick<LoadCounts, "rows"> & {
  readonly tokens: number | null;
  readonly supervised: number | null;
};

const partsOf = (dataset: Dataset) => ({
  contents: dataset.contents,
  isFault: (error: unknown) => error === dataset.fault && !(error instanceof StoppedError),
});

const sourcesOf = ({ data }: Config, counts: readonly SourceCounts[]) =>
  data.map(({ path, weight }, i) => {
    const { rows: count, tokens, supervised } = counts[i]!;
    return { path: describePath(path), count, weight, tokens, supervised };
  });

/** What is made when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

/**
 * How long the rows of some sources are.
 *
 * @throws {ConfigError} {FileError} if a file or a row cannot be used.
 */
export async function lengthsIn(
  model: Model,
  entries: readonly DataConfig[],
  config: Config,
  answers: LoadOptions["answers"] = methodsOf(config).main.answers,
): Promise<SourceLengths[]> {
  if (entries.length === 0) return [];
  const options = { ...optionsOf(model, config), answers, maxTokens: Infinity };
  await using dataset = await Dataset.read(entries, tokenizerOf(model), options);
  return dataset.lengths();
}

/** How long rows are that a program has encoded itself. */
export const lengthsOf = (examples: readonly Example[]): SourceLengths[] => [
  { tokens: Uint32Array.from(examples, packedLength).sort(), isSample: false },
];

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
});

function contentsOf(examples: readonly Example[]): string {
  const hash = createHash("sha256");
  for (const { ids, labels, sourceLength, sides, label } of examples) {
    const parts = { sourceLength, ...sides, label };
    hash.update(`${ids.length} ${JSON.stringify(parts)} `).update(ids).update(labels);
  }
  return hash.digest("hex");
}

/** Gives the rows of several sources to `take`, and says what was left out. */
export async function loadRows(
  model: Model,
  entries: readonly DataConfig[],
  config: SizedConfig,
  say: Say,
  take: (example: Example) => void,
): Promise<void> {
  const options = { ...optionsOf(model, config), ...limitsOf(model, config) };
  for (const entry of entries) {
    const path = describePath(entry.path);
    const counts = noCounts();
    for await (const example of encodeRows(entry, rowTokenizer(model), options, counts)) {
      take(example);
      tell(`reading rows of ${path}`, counts.rows);
    }
    requireRows(entry, counts, options);
    say(describeLoaded(path, counts, config));
    sayTooLong(leftOut(path, counts), model, config, say);
  }
}

const tokenizerOf = (model: Model) => ({ tokenizer: rowTokenizer(model), folder: model.folder });

/** What rows are held to, whatever their length. */
export const optionsOf = (model: Model, config: Config): Omit<LoadOptions, keyof LengthLimits> => ({
  answers: methodsOf(config).main.answers,
  labels: methodsOf(config).main.labels,
  ...(config.train.on_too_long ? { onTooLong: config.train.on_too_long } : { splitsTexts: true }),
  vocabSize: model.config.vocabSize,
  allow: config.train.allow,
});

const limitsOf = (model: Model, { train }: SizedConfig): LengthLimits => ({
  maxTokens: longest(model, train),
  bothTokens: train.micro_batch_tokens,
});

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
