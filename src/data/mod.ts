/**
 * Rows in, packed token batches out. Knows nothing of the engine.
 *
 * @module
 */

import { FileError } from "../errors.ts";
import { checkVocabulary, encode, limitLength, type TooLongPolicy } from "./encode.ts";
import type { Document, Encoder, Example } from "./example.ts";
import { chooseFormat, type Format } from "./formats.ts";
import { findFiles, readRows } from "./read.ts";
import { documentText, type Shares, split } from "./split.ts";
import { DEFAULT_TEMPLATE, resolveTemplate, type Template } from "./template.ts";

export * from "./encode.ts";
export * from "./example.ts";
export { formatNames } from "./formats.ts";
export * from "./pack.ts";
export * from "./split.ts";
export * from "./stream.ts";
export * from "./template.ts";

/** One source of data. */
export interface DataEntry {
  /** A file, a folder, or a pattern with `*` in its last part. */
  readonly path: string;
  /** The name of a format; recognised from the first row of each file where absent. */
  readonly format?: string;
  /** The name of a template or one written out, "alpaca" where absent. */
  readonly template?: string | Template;
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
}

/** What was read. */
export interface Loaded {
  /** In the order of the files and their rows. */
  readonly examples: Example[];
  /** How many were left out for their length. */
  readonly skipped: number;
}

/**
 * Reads and encodes a source of data.
 *
 * @throws {ConfigError} if the entry names an unknown format, template or part.
 * @throws {FileError} if a file or a row cannot be used, or no example is left.
 */
export async function loadExamples(
  entry: DataEntry,
  encoder: Encoder,
  { maxTokens, onTooLong = "drop", vocabSize = Infinity }: LoadOptions,
): Promise<Loaded> {
  const examples: Example[] = [];
  let skipped = 0;
  const documents = entry.split ? await readPart(entry, entry.split) : readDocuments(entry);
  for await (const document of documents) {
    const example = limitLength(encode(document, encoder), maxTokens, onTooLong);
    if (example === null) skipped++;
    else {
      checkVocabulary(example, vocabSize);
      examples.push(example);
    }
  }
  if (examples.length > 0) return { examples, skipped };
  throw new FileError(
    `${entry.path}: found ${skipped} documents, all left out, wanted one that fits ${maxTokens} tokens`,
  );
}

/** Reads the documents of a source, one at a time, before any split. Errors as `loadExamples`. */
export async function* readDocuments(entry: DataEntry): AsyncGenerator<Document> {
  const settings = {
    template: resolveTemplate(entry.template ?? DEFAULT_TEMPLATE),
    eosAfterText: entry.eos ?? false,
  };
  for (const path of await findFiles(entry.path)) {
    let format: Format | undefined;
    for await (const row of readRows(path)) {
      format ??= chooseFormat(entry.format, row);
      yield format.read(row, settings);
    }
  }
}

async function readPart(
  entry: DataEntry,
  { part, shares, seed }: NonNullable<DataEntry["split"]>,
): Promise<Document[]> {
  const documents = await Array.fromAsync(readDocuments(entry));
  const indices = split(documents.map(documentText), shares, seed)[part];
  if (indices !== undefined && indices.length > 0) return indices.map((i) => documents[i]!);
  const found = `${indices === undefined ? "no" : "an empty"} part ${JSON.stringify(part)}`;
  const of = `a split of ${documents.length} documents into ${Object.keys(shares).join(", ")}`;
  throw new FileError(`${entry.path}: found ${found} in ${of}, wanted documents`);
}
