/**
 * The rows that a run trains on.
 *
 * @module
 */
import {
  areLarge,
  describePath,
  encoderOf,
  type Example,
  type Examples,
  ExampleStore,
  forEachExample,
  type LoadCounts,
  type LoadOptions,
  OnTheFlyRows,
  proportionalShares,
  type Source,
} from "../data/mod.ts";
import { NOW_AND_THEN, nowAndThen } from "../io/now_and_then.ts";
import type { Model } from "../models/model.ts";
import type { Config, DataConfig } from "../config/mod.ts";

/** What a run says of itself while it is set up and trains. */
export type Say = (line: string) => void;

/** The rows of several sources, one source after the other, until they are disposed of. */
export interface Rows extends AsyncDisposable {
  readonly examples: Examples;
  /** How many each source has, where it comes from, and its weight if it has one. */
  readonly sources: readonly {
    readonly path: string;
    readonly count: number;
    readonly weight: number | undefined;
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
  const needsAll = train.steps === undefined || train.on_too_long === "split" || config.mixture;
  if (!needsAll && await areLarge(data)) return await readRows(model, data, train, say);
  const store = new ExampleStore();
  try {
    const sources = await loadRows(model, data, train, say, (example) => store.keep(example));
    return {
      ...{ examples: store, sources },
      finished: () => Promise.resolve(),
      isFault: () => false,
      [Symbol.asyncDispose]: () => Promise.resolve(store[Symbol.dispose]()),
    };
  } catch (fault) {
    store[Symbol.dispose]();
    throw fault;
  }
}

/** Rows that a program has encoded itself. */
export const rowsOf = (examples: readonly Example[]): Rows => ({
  examples,
  sources: [{ path: "rows of the program", count: examples.length, weight: undefined }],
  finished: () => Promise.resolve(),
  isFault: () => false,
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

async function readRows(
  model: Model,
  data: readonly DataConfig[],
  train: Config["train"],
  say: Say,
): Promise<Rows> {
  const tell = nowAndThen(say);
  const paths = data.map(({ path }) => describePath(path));
  const read = data.map(() => 0);
  const examples = await OnTheFlyRows.read(data, encoderFrom(model), {
    ...limitsOf(model, train),
    onRow(source) {
      read[source]!++;
      tell(() => `data: ${paths[source]}: ${read[source]} rows read so far`);
    },
  });
  const sources = data.map(({ weight }, i) => {
    say(`data: ${paths[i]}: ${read[i]} rows read, to be encoded while it trains`);
    return { path: paths[i]!, count: read[i]!, weight };
  });
  const all = examples.finished().then((counts) => {
    counts.forEach((counts, i) => say(describeLoaded(paths[i]!, counts)));
  });
  all.catch(() => {/* whoever waits for rows sees it */});
  return {
    ...{ examples, sources },
    async finished() {
      while (!examples.isFinished) {
        say(`data: ${examples.encoded} of ${examples.length} rows encoded`);
        await orAfter(NOW_AND_THEN, all);
      }
      await all;
    },
    isFault: (error) => error === examples.fault,
    [Symbol.asyncDispose]: () => examples[Symbol.asyncDispose](),
  };
}

/** Waits for something, or so many milliseconds where it takes longer. */
async function orAfter(ms: number, something: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([something, promise]).finally(() => clearTimeout(timer));
}

/** Gives the rows of several sources to `take`, and says what was left out. */
export async function loadRows(
  model: Model,
  entries: readonly DataConfig[],
  train: Config["train"],
  say: Say,
  take: (example: Example) => void,
): Promise<Rows["sources"]> {
  const sources: Rows["sources"][number][] = [];
  const from = encoderFrom(model);
  const options = limitsOf(model, train);
  for (const entry of entries) {
    const path = describePath(entry.path);
    const tell = nowAndThen(say);
    let rows = 0;
    const counts = await forEachExample(entry, from, options, (example) => {
      take(example);
      rows++;
      tell(() => `data: ${path}: ${rows} rows so far`);
    });
    say(describeLoaded(path, counts));
    sources.push({ path, count: counts.rows, weight: entry.weight });
  }
  return sources;
}

const encoderFrom = (model: Model) => ({ encoder: encoderOf(model), folder: model.folder });

const limitsOf = (model: Model, train: Config["train"]): LoadOptions => ({
  maxTokens: longest(model, train),
  bothTokens: train.micro_batch_tokens,
  onTooLong: train.on_too_long,
  vocabSize: model.config.vocabSize,
  allow: train.allow,
});

/** What a source gave, and what was left out. */
export function describeLoaded(path: string, { rows, skipped, cut, noted }: LoadCounts): string {
  const counts = Object.entries({ "too long": skipped, cut, ...noted })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `, ${count} ${what.replaceAll("_", " ")}`);
  return `data: ${path}: ${rows} rows${counts.join("")}`;
}

/** What each source weighs; null where none is mixed and each row comes once. */
export function weightsOf(
  sources: readonly Omit<Rows["sources"][number], "path">[],
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
