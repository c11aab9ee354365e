/**
 * Rows in, packed token batches out. Knows nothing of the engine.
 *
 * @module
 */

import { FileError } from "../errors.ts";
import {
  resolveTemplates,
  type TemplateSetting,
  toDocument,
  TRAIN_ON,
  type TrainOn,
} from "./documents.ts";
import {
  checkVocabulary,
  countSupervised,
  encode,
  limitLength,
  type TooLongPolicy,
} from "./encode.ts";
import { checkFaults, type FaultName, marksOf } from "./faults.ts";
import type { Document, Encoder, Example } from "./example.ts";
import { chooseFormat, type Format } from "./formats/mod.ts";
import { findFiles, readRows } from "./files/read.ts";
import { documentText, type Shares, split } from "./split.ts";
import type { Row } from "./files/row.ts";

export { chatTemplates } from "./chat/builtin.ts";
export { readChatFacts } from "./chat/facts.ts";
export { ChatTemplate } from "./chat/template.ts";
export * from "./formats/content.ts";
export * from "./documents.ts";
export * from "./encode.ts";
export * from "./example.ts";
export * from "./faults.ts";
export { formatNames } from "./formats/mod.ts";
export type { Source } from "./mixture.ts";
export * from "./inspect.ts";
export * from "./pack.ts";
export * from "./quality/near_duplicates.ts";
export * from "./split.ts";
export * from "./store.ts";
export * from "./stream.ts";
export * from "./template.ts";

/** What to do with a row whose answer is empty. */
export const ON_EMPTY = ["error", "drop"] as const;
/** One of those. */
export type OnEmpty = typeof ON_EMPTY[number];

/** As Tk-Instruct trains. */
export const POSITIVE_EXAMPLES = 2;

/** One source of data. */
export interface DataEntry {
  /** A file, a folder, or a pattern with `*` in its last part. */
  readonly path: string;
  /** The name of a format; recognised from the first row of each file where absent. */
  readonly format?: string;
  /** Where absent, "alpaca" around instructions, the model's own around chats. */
  readonly template?: TemplateSetting;
  /** Which turns of an assistant are learnt, all where absent. */
  readonly train_on?: TrainOn;
  /** What becomes of a row with nothing to learn in it, "error" where absent. */
  readonly on_empty?: OnEmpty;
  /** How many positive examples of a Super-NaturalInstructions task are shown, 2 where absent. */
  readonly positive_examples?: number;
  /** Only this part of a random split of the documents. */
  readonly split?: { readonly part: string; readonly shares: Shares; readonly seed: number };
  /** Whether EOS follows a text document, no where absent. */
  readonly eos?: boolean;
}

/** Limits that the model sets. */
export interface LoadOptions {
  /** The most tokens an example may have, BOS and EOS counted. */
  readonly maxTokens: number;
  /** "drop" where absent. */
  readonly onTooLong?: TooLongPolicy;
  /** Where given, ids must be below it. */
  readonly vocabSize?: number;
  /** Faults of rows that are no reason to stop, none where absent. */
  readonly allow?: readonly FaultName[];
  /** What to keep of each example in memory, itself where absent. */
  readonly keep?: (example: Example) => Example;
}

/** What was read. */
export interface Loaded {
  /** In the order of the files and their rows. */
  readonly examples: Example[];
  /** How many were left out for their length. */
  readonly skipped: number;
  /** How many were left out for an empty answer. */
  readonly empty: number;
  /** How many were left out since they have no supervised token, which was allowed. */
  readonly unsupervised: number;
}

/**
 * Reads and encodes a source of data.
 *
 * @throws {ConfigError} if the entry names an unknown format, template or part.
 * @throws {FileError} if a file or a row cannot be used, a row has a fault that is not allowed, or
 * no example is left.
 */
export async function loadExamples(
  entry: DataEntry,
  encoder: Encoder,
  { maxTokens, onTooLong = "drop", vocabSize = Infinity, allow = [], keep = (example) => example }:
    LoadOptions,
): Promise<Loaded> {
  const examples: Example[] = [];
  let skipped = 0;
  let empty = 0;
  let unsupervised = 0;
  const marks = marksOf(encoder);
  const source = readDocuments(entry, () => empty++);
  for await (const document of entry.split ? await readPart(entry, entry.split, source) : source) {
    const whole = encode(document, encoder, allow);
    checkFaults(whole, marks, allow);
    const example = limitLength(whole, maxTokens, onTooLong);
    if (countSupervised(whole) === 0) unsupervised++;
    else if (example === null) skipped++;
    else {
      checkVocabulary(example, vocabSize);
      examples.push(keep(example));
    }
  }
  if (examples.length > 0) return { examples, skipped, empty, unsupervised };
  const found = `${skipped + empty + unsupervised} documents, all left out`;
  const wanted = `one that ${empty ? "is not empty and " : ""}fits ${maxTokens} tokens`;
  throw new FileError(`${entry.path}: found ${found}, wanted ${wanted}`);
}

/**
 * Reads the documents of a source, one at a time, before any split; `dropped` is called for each
 * that is left out because it is empty. Errors as `loadExamples`.
 */
export async function* readDocuments(
  entry: DataEntry,
  dropped: () => void = () => {},
): AsyncGenerator<Document> {
  const read = documentsOf(entry, dropped);
  for (const path of await findFiles(entry.path)) {
    let format: Format | undefined;
    for await (const row of readRows(path)) {
      format ??= chooseFormat(entry.format, row);
      yield* read(format, row);
    }
  }
}

/** What the rows of an entry's files become. */
function documentsOf(entry: DataEntry, dropped: () => void) {
  const { positive_examples = POSITIVE_EXAMPLES, train_on = TRAIN_ON[0], eos = false } = entry;
  const settingsFor = (verbatim: boolean) => ({
    templates: resolveTemplates(entry.template, verbatim),
    trainOn: train_on,
    eosAfterText: eos,
  });
  const [framed, verbatim] = [settingsFor(false), settingsFor(true)];
  return function* (format: Format, row: Row): Generator<Document> {
    const contents = format.read(row, { positiveExamples: positive_examples });
    for (const content of Array.isArray(contents) ? contents : [contents]) {
      if (content.empty === null) yield toDocument(content, format.verbatim ? verbatim : framed);
      else if (entry.on_empty === "drop") dropped();
      else throw new FileError(`${content.origin}: found ${content.empty}, wanted text to learn`);
    }
  };
}

async function readPart(
  entry: DataEntry,
  { part, shares, seed }: NonNullable<DataEntry["split"]>,
  source: AsyncIterable<Document>,
): Promise<Document[]> {
  const documents = await Array.fromAsync(source);
  const indices = split(documents.map(documentText), shares, seed)[part];
  if (indices !== undefined && indices.length > 0) return indices.map((i) => documents[i]!);
  const found = `${indices === undefined ? "no" : "an empty"} part ${JSON.stringify(part)}`;
  const of = `a split of ${documents.length} documents into ${Object.keys(shares).join(", ")}`;
  throw new FileError(`${entry.path}: found ${found} in ${of}, wanted documents`);
}
