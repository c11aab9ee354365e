/**
 * Rows of a source to examples, one at a time.
 *
 * @module
 */

import { ConfigError, FileError } from "../../errors.ts";
import {
  count,
  documentMaker,
  type Noted,
  readContents,
  type Readings,
  type SampledContent,
} from "./contents.ts";
import {
  checkVocabulary,
  encode,
  fitLength,
  isCut,
  type TooLongPolicy,
} from "../tokenize/encode.ts";
import { type DataEntry, describePath } from "../entry.ts";
import { findFiles } from "../../rows/sources/read.ts";
import {
  type Answers,
  countSupervised,
  type Document,
  type Example,
  fitsAnswers,
  gradedAnswers,
  lengthOf,
  packedLength,
  type RowTokenizer,
} from "../example.ts";
import { checkFaults, type FaultName, marksOf } from "../tokenize/faults.ts";
import { hasTemplate } from "../tokenize/prompt.ts";
import { unreadInTurns } from "../tokenize/slots.ts";
import { sidesOf } from "../tokenize/sides.ts";
import { heed } from "../../stop.ts";

/** Limits that the model sets. */
export interface LoadOptions {
  /** The most tokens an example may have, BOS and EOS counted. */
  readonly maxTokens: number;
  /** The most tokens that both documents of a preference may have; `maxTokens` where absent. */
  readonly bothTokens?: number;
  /** What rows have; "one" where absent. */
  readonly answers?: Answers | "any";
  /** The classes that rows are labelled with; where absent, a label is true or false. */
  readonly labels?: readonly string[] | undefined;
  /** Exemplars are left out until it has no more tokens than this; `maxTokens` where absent. */
  readonly exemplarsWithin?: number;
  /** "drop" where absent. */
  readonly onTooLong?: TooLongPolicy;
  /** Whether texts are split that are too long, whatever becomes of other rows; false where absent. */
  readonly splitsTexts?: boolean;
  /** Where given, ids must be below it. */
  readonly vocabSize?: number;
  /** Faults of rows that are no reason to stop, none where absent. */
  readonly allow?: readonly FaultName[];
}

/** What came of the rows of a source. */
export interface LoadCounts extends Readings {
  /** Examples. */
  rows: number;
  /** Their tokens, and those that the loss sees. */
  tokens: number;
  supervised: number;
  /** How many were left out for their length. */
  skipped: number;
  /** How many were truncated or split. */
  cut: number;
  /**
   * How many were left out for an empty answer, or since they have no supervised token, which was
   * allowed, and how many are of each variant.
   */
  readonly noted: Record<Noted | "unsupervised" | "with_special_tokens_as_text", number>;
}

/** What was read. */
export interface Loaded extends Readonly<LoadCounts> {
  /** In the order of the files and their rows. */
  readonly examples: Example[];
}

/** Counts of nothing yet. */
export const noCounts = (): LoadCounts => ({
  rows: 0,
  tokens: 0,
  supervised: 0,
  skipped: 0,
  cut: 0,
  formats: {},
  unread: {},
  noted: {
    empty: 0,
    of_weight_0: 0,
    unsupervised: 0,
    with_special_tokens_as_text: 0,
    few_shot: 0,
    chain_of_thought: 0,
    inversion: 0,
  },
});

/** Adds counts to others. */
export function addCounts(to: LoadCounts, from: LoadCounts): void {
  const { rows, tokens, supervised, skipped, cut, noted, formats, unread } = from;
  to.rows += rows;
  to.tokens += tokens;
  to.supervised += supervised;
  to.skipped += skipped;
  to.cut += cut;
  for (const [what, times] of Object.entries(noted)) {
    to.noted[what as keyof LoadCounts["noted"]] += times;
  }
  for (const [name, rows] of Object.entries(formats)) count(to.formats, name, rows);
  for (const [field, rows] of Object.entries(unread)) count(to.unread, field, rows);
}

/** Fewer bytes are encoded before workers would be up: 4 MiB take a core about 3 seconds. */
export const LARGE = 4 * 2 ** 20;

/** Whether some sources have so many bytes that it takes long to encode them. */
export async function areLarge(entries: readonly DataEntry[]): Promise<boolean> {
  const files = await Promise.all(entries.map(({ path }) => findFiles(path)));
  const sizes = await Promise.all(files.flat().map((file) => Deno.stat(file)));
  return sizes.reduce((sum, { size }) => sum + size, 0) >= LARGE;
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
  tokenizer: RowTokenizer,
  options: LoadOptions,
): Promise<Loaded> {
  const counts = noCounts();
  const examples = await Array.fromAsync(encodeRows(entry, tokenizer, options, counts));
  requireRows(entry, counts, options);
  return { ...counts, examples };
}

/** The examples of a source, counted in `counts`. Errors as `loadExamples`, but for there being none. */
export async function* encodeRows(
  entry: DataEntry,
  tokenizer: RowTokenizer,
  options: LoadOptions,
  counts: LoadCounts,
): AsyncGenerator<Example> {
  const encodeRow = rowEncoder(entry, tokenizer, options);
  for await (const sampled of readContents(entry, (what) => counts.noted[what]++, counts)) {
    yield* encodeRow(sampled, counts);
  }
}

/** What becomes of a row that is too long, by the kind of what it says. */
export const policyOf = (
  kind: SampledContent["content"]["kind"],
  { onTooLong = "drop", splitsTexts = false }: Pick<LoadOptions, "onTooLong" | "splitsTexts">,
): TooLongPolicy => splitsTexts && kind === "text" ? "split" : onTooLong;

/** What a row comes to: one example, pieces, or none. Counts it. */
export type EncodeRow = (sampled: SampledContent, counts: LoadCounts) => Example[];

/** Encodes the rows of a source, one at a time. Errors as those of a row in `loadExamples`. */
export function rowEncoder(
  entry: DataEntry,
  tokenizer: RowTokenizer,
  options: LoadOptions,
): EncodeRow {
  const { maxTokens, exemplarsWithin = maxTokens } = options;
  const { vocabSize = Infinity, allow = [], bothTokens = maxTokens, labels } = options;
  const marks = marksOf(tokenizer);
  const documentOf = documentMaker(entry, hasTemplate(tokenizer));
  return (sampled, counts) => {
    heed();
    const given = documentOf(sampled);
    checkAnswers(given, options);
    const document = withLabel(given, labels);
    for (const field of unreadInTurns(document, tokenizer)) count(counts.unread, field);
    const whole = encodeShort(document, tokenizer, { maxTokens: exemplarsWithin, allow });
    if (whole.hasTypedSpecial) counts.noted.with_special_tokens_as_text++;
    checkFaults(whole, marks, allow);
    if (sidesOf(whole).some((side) => countSupervised(side) === 0)) {
      counts.noted.unsupervised++;
      return [];
    }
    const fitting = fitLength(
      whole,
      maxTokens,
      policyOf(sampled.content.kind, options),
      tokenizer.bos,
      bothTokens,
    );
    if (fitting.length === 0) counts.skipped++;
    else if (isCut(whole, fitting)) counts.cut++;
    for (const example of fitting) {
      checkVocabulary(example, vocabSize);
      counts.tokens += lengthOf(example);
      counts.supervised += countSupervised(example);
    }
    counts.rows += fitting.length;
    return fitting;
  };
}

/** What rows may have: in words, what is said of it where it is found, and the objectives for it. */
const ANSWERS: Readonly<Record<Answers, readonly [wanted: string, found: string, kinds: string]>> =
  {
    one: ["one answer", "one answer", "sft"],
    two: [
      "chosen and rejected ones",
      "two answers (format preference)",
      "dpo, cpo, simpo, orpo or reward",
    ],
    ranked: [
      "several answers",
      "several answers (format ranked)",
      "reward, or data.pairs",
    ],
    labelled: ["labelled ones", "a labelled answer (format labelled)", "kto"],
  };

/** @throws {ConfigError} where a row has not the answers that are wanted. */
function checkAnswers(document: Document, { answers = "one", labels }: LoadOptions): void {
  const found = document.kind === "preference" ? gradedAnswers(document) : oneAnswer(document);
  if (answers === "any" || fitsAnswers(found, answers)) return;
  const [wanted] = labels ? ["a class (data.format classified)"] : ANSWERS[answers];
  const [, has, kinds] = ANSWERS[found];
  throw new ConfigError(
    `${document.origin}: found a row of ${has}, wanted rows of ${wanted}, or objective.kind ${kinds}`,
  );
}

const oneAnswer = ({ label }: Document): Answers => label === undefined ? "one" : "labelled";

/** @throws {FileError} where a label is no class, or where there are none neither true nor false. */
function withLabel(document: Document, labels: LoadOptions["labels"]): Document {
  const { label, origin } = document;
  if (label === undefined || !labels && typeof label === "boolean") return document;
  const number = typeof label === "number" ? label : labels?.indexOf(String(label)) ?? -1;
  if (labels?.[number] !== undefined) return { ...document, label: number };
  const wanted = labels
    ? `one of ${labels.join(", ")}, or a number from 0 to ${labels.length - 1}`
    : "true or false, or objective.kind classify";
  throw new FileError(`${origin}: found the label ${JSON.stringify(label)}, wanted ${wanted}`);
}

/** @throws {FileError} where every row of a source was left out. */
export function requireRows(
  { path }: DataEntry,
  { rows, skipped, noted }: LoadCounts,
  { maxTokens }: LoadOptions,
): void {
  if (rows > 0) return;
  const left = skipped + noted.empty + noted.unsupervised + noted.of_weight_0;
  const found = `${left} documents, all left out`;
  const filled = noted.empty > 0 || maxTokens === Infinity ? ["is not empty"] : [];
  const fitting = maxTokens < Infinity ? [`fits ${maxTokens} tokens`] : [];
  const wanted = `one that ${[...filled, ...fitting].join(" and ")}`;
  throw new FileError(`${describePath(path)}: found ${found}, wanted ${wanted}`);
}

/** Encodes a document with as many of its exemplars as fit. */
function encodeShort(
  document: Document,
  tokenizer: RowTokenizer,
  limits: { readonly maxTokens: number; readonly allow: readonly FaultName[] },
): Example {
  const example = encode(document, tokenizer, limits.allow);
  if (packedLength(example) <= limits.maxTokens) return example;
  return "shorter" in document && document.shorter
    ? encodeShort(document.shorter(), tokenizer, limits)
    : example;
}
