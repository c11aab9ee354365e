/**
 * The difficulty of rows for a model, measured once and asked for by where they come from.
 *
 * @module
 */
import {
  type DataEntry,
  encodeRows,
  ExampleStore,
  noCounts,
  requireRows,
  rowTokenizer,
} from "../../data/mod.ts";
import {
  type List,
  mapped,
  type MeasureDifficulty,
  type RowText,
  TextIndex,
} from "../../curate/mod.ts";
import { ConfigError } from "../../errors.ts";
import { difficulties } from "../../eval/difficulty.ts";
import { type OpenModel, openModel } from "../../inference/open.ts";
import { openTuned } from "../../tune/cache.ts";
import { LossProgram } from "../../models/loss_program.ts";
import type { Model } from "../../models/model.ts";
import { refuseEncoder } from "../../models/layers/source_rows.ts";
import { rowsFor } from "../../eval/documents.ts";
import { fetchFolder } from "./hub.ts";
import { dim, say } from "./term.ts";

/** Where rows come from, and the model that may judge them. */
export interface RowSource {
  readonly entries: readonly DataEntry[];
  readonly model: string | null;
}

/** A model that measures. */
export interface DifficultyMeter extends AsyncDisposable {
  readonly measure: MeasureDifficulty;
}

/** Examples that are measured together. */
const MEASURED_AT_ONCE = 4096;

/**
 * Opens the source's model; its rows are encoded as training would, longer ones cut to the context.
 * The rows of the first call must hold those of later ones: only they are measured.
 *
 * @throws {ConfigError} where the source has no model.
 */
export async function difficultyMeter(
  { entries, model: folder }: RowSource,
): Promise<DifficultyMeter> {
  if (folder === null) throw new ConfigError("Found the step difficulty without --model");
  const device = await openTuned();
  const open = openModel(device, await fetchFolder(folder, "model"), undefined, { say });
  refuseEncoder(open.model, "to measure an answer without its instruction");
  let known: ((row: RowText) => number) | undefined;
  return {
    async measure(rows) {
      const difficultyOf = known ??= await measureAll(open, entries, rows);
      return Float64Array.from({ length: rows.length }, (_, i) => difficultyOf(rows.at(i)!));
    },
    [Symbol.asyncDispose]() {
      open[Symbol.dispose]();
      device.close();
      return Promise.resolve();
    },
  };
}

/** @returns the difficulty of each of the rows, found by its origin. */
async function measureAll(
  { engine, model }: OpenModel,
  entries: readonly DataEntry[],
  rows: List<RowText>,
): Promise<(row: RowText) => number> {
  const index = new TextIndex(mapped(rows, ({ origin }) => origin));
  const known = new Float64Array(rows.length).fill(NaN);
  using store = new ExampleStore();
  for (const entry of entries) await keepExamples(store, model, entry, index);
  const left = rows.length - store.length;
  const note = left > 0 ? `; ${left} have no answer within the context and stay` : "";
  say(dim(`measuring the difficulty of ${store.length} rows${note}`));
  const program = await LossProgram.open(engine, model, { T: rowsFor(store) });
  for (let begin = 0; begin < store.length; begin += MEASURED_AT_ONCE) {
    const length = Math.min(MEASURED_AT_ONCE, store.length - begin);
    const examples = Array.from({ length }, (_, i) => store.at(begin + i)!);
    for (
      const [i, ifd] of (await difficulties(program, examples, rowTokenizer(model).bos)).entries()
    ) {
      known[index.find(examples[i]!.origin)!] = ifd ?? NaN;
    }
  }
  program.compiled.destroy();
  return ({ origin }) => known[index.find(origin)!]!;
}

/** Keeps the examples of the rows whose origins are in the index. */
async function keepExamples(
  store: ExampleStore,
  model: Model,
  given: DataEntry,
  index: TextIndex,
): Promise<void> {
  const { context, vocabSize } = model.config;
  const limits = { maxTokens: context, onTooLong: "truncate", vocabSize } as const;
  const entry = { ...given, on_empty: "drop" } as const;
  const counts = noCounts();
  for await (const example of encodeRows(entry, rowTokenizer(model), limits, counts)) {
    if (index.find(example.origin) !== undefined) store.keep(example);
  }
  requireRows(entry, counts, limits);
}
