/**
 * Rows in, packed token batches out. Knows nothing of the engine.
 *
 * @module
 */

import { FileError } from "../errors.ts";
import { type Noted, readDocuments } from "./contents.ts";
import type { DataEntry } from "./entry.ts";
import {
  checkVocabulary,
  countSupervised,
  encode,
  fitLength,
  type TooLongPolicy,
} from "./encode.ts";
import { checkFaults, type FaultName, marksOf } from "./faults.ts";
import type { Document, Encoder, Example } from "./example.ts";

export { type Noted, readDocuments } from "./contents.ts";
export { chatTemplates } from "./chat/builtin.ts";
export { readChatFacts } from "./chat/facts.ts";
export { ChatTemplate } from "./chat/template.ts";
export * from "./formats/content.ts";
export * from "./documents.ts";
export * from "./encode.ts";
export * from "./entry.ts";
export * from "./example.ts";
export * from "./faults.ts";
export { formatNames } from "./formats/mod.ts";
export { type ProportionalSettings, proportionalShares, type Source } from "./order/mixture.ts";
export * from "./inspect.ts";
export * from "./order/pack.ts";
export type * from "./prompts/mod.ts";
export * from "./quality/near_duplicates.ts";
export * from "./split.ts";
export * from "./order/store.ts";
export * from "./order/stream.ts";
export * from "./template.ts";
export type { FewShotSettings } from "./variants/few_shot.ts";
export type { ChainOfThoughtSettings, FormSettings } from "./variants/forms.ts";

/** Limits that the model sets. */
export interface LoadOptions {
  /** The most tokens an example may have, BOS and EOS counted. */
  readonly maxTokens: number;
  /** Exemplars are left out until it has no more tokens than this; `maxTokens` where absent. */
  readonly exemplarsWithin?: number;
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
  /** How many were truncated or split. */
  readonly cut: number;
  /**
   * How many were left out for an empty answer, or since they have no supervised token, which was
   * allowed, and how many are of each variant.
   */
  readonly noted: Readonly<Record<Noted | "unsupervised", number>>;
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
  options: LoadOptions,
): Promise<Loaded> {
  const { maxTokens, exemplarsWithin = maxTokens, onTooLong = "drop" } = options;
  const { vocabSize = Infinity, allow = [], keep = (example) => example } = options;
  const examples: Example[] = [];
  let skipped = 0;
  const marks = marksOf(encoder);
  let cut = 0;
  const noted = { empty: 0, unsupervised: 0, few_shot: 0, chain_of_thought: 0, inversion: 0 };
  const source = readDocuments(entry, (what) => noted[what]++);
  for await (const document of source) {
    const whole = encodeShort(document, encoder, { maxTokens: exemplarsWithin, allow });
    checkFaults(whole, marks, allow);
    if (countSupervised(whole) === 0) {
      noted.unsupervised++;
      continue;
    }
    const fitting = fitLength(whole, maxTokens, onTooLong, encoder.bos);
    if (fitting.length === 0) skipped++;
    else if (whole.ids.length > maxTokens) cut++;
    for (const example of fitting) {
      checkVocabulary(example, vocabSize);
      examples.push(keep(example));
    }
  }
  if (examples.length > 0) return { examples, skipped, cut, noted };
  const found = `${skipped + noted.empty + noted.unsupervised} documents, all left out`;
  const wanted = `one that ${noted.empty ? "is not empty and " : ""}fits ${maxTokens} tokens`;
  throw new FileError(`${entry.path}: found ${found}, wanted ${wanted}`);
}

/** Encodes a document with as many of its exemplars as fit. */
function encodeShort(
  document: Document,
  encoder: Encoder,
  limits: { readonly maxTokens: number; readonly allow: readonly FaultName[] },
): Example {
  const example = encode(document, encoder, limits.allow);
  if (example.ids.length <= limits.maxTokens || document.kind === "tokens") return example;
  return document.shorter ? encodeShort(document.shorter(), encoder, limits) : example;
}
