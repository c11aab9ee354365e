/**
 * Retention text where none is given: the base writes it. Documents are drawn from all of its
 * distribution, so the mean shift on them is an estimate of KL(base || tuned) itself.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { type Document, rowTokenizer, UNSUPERVISED } from "../../data/mod.ts";
import { ConfigError, FileError } from "../../errors.ts";
import { BatchGenerator } from "../../inference/batch.ts";
import { stopIds } from "../../inference/stop.ts";
import type { Engine } from "../../graph/compile.ts";
import { cacheFolder } from "../../io/cache.ts";
import { encodeUtf8, exists, readJsonObject, writeAll, writeFile } from "../../io/files.ts";
import { makeFolder } from "../../io/folders.ts";
import type { Model } from "../../models/model.ts";
import type { Budget } from "../budget.ts";
import { readRetention } from "./retention.ts";
import { within } from "../../progress.ts";
import { heed } from "../../stop.ts";

/** What these documents are called where a file has its path. */
export const SAMPLES = "samples of the base model";

/** A document that the base writes is no longer, however long rows are: it is written in turn. */
const LONGEST = 512;
/** Changes with what is drawn for the same seed. */
const VERSION = 1;
/** Bytes of weights that are hashed at a time. */
const PIECE = 4 << 20;

/** What the base is asked for. */
export interface SamplesOptions {
  /** How many documents. */
  readonly count: number;
  /** The most tokens of each, the first one included. */
  readonly maxTokens: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface RetentionTextOptions extends SamplesOptions {
  /** Files; the base is asked where there are none. */
  readonly text: readonly string[];
  readonly budgets: readonly Budget[];
}

/**
 * The documents of retention files by path, or those of the base where there are no files.
 *
 * @throws {ConfigError} where the base shall write for budgets of domains.
 */
export async function retentionText(
  engine: Engine,
  model: Model,
  { text, budgets, ...options }: RetentionTextOptions,
): Promise<Map<string, readonly Document[]>> {
  if (text.length > 0) return await readRetention(text, options);
  const { domain, text: asked } = budgets[0]!;
  if (domain === null) {
    const maxTokens = Math.min(options.maxTokens - model.virtualTokens, LONGEST);
    return new Map([[SAMPLES, await sampleBase(engine, model, { ...options, maxTokens })]]);
  }
  throw new ConfigError(
    `guard.budget: found ${asked} but no retention text, wanted a file of the name "${domain}", or ` +
      "a budget for all that the base writes, such as ppl:2%",
  );
}

/** Ids of a document, those that begin and end it included. */
type Ids = readonly number[];

/** What a document begins with, and the ids that end one. */
interface Frame {
  readonly start: number;
  readonly stop: readonly number[];
}

/**
 * Documents that the base writes after the token that begins one, at temperature 1, from its whole
 * vocabulary. They are made once and kept in the user's cache folder, by the weights, the seed and
 * the sizes; what is damaged there is made anew.
 *
 * @throws {ConfigError} for a model without a token that begins or ends a document.
 */
export async function sampleBase(
  engine: Engine,
  model: Model,
  options: SamplesOptions,
): Promise<Document[]> {
  const frame = frameOf(model);
  const key = keyOf(model, frame, options);
  const path = join(cacheFolder(), "samples", `${key}.json`);
  const kept = readKept(path, key, options.say);
  if (kept) options.say(`guard: ${kept.length} documents that the base wrote before, from ${path}`);
  const documents = kept ?? await write(engine, model, frame, options);
  if (!kept) keep(path, key, documents, options.say);
  return documents.map((ids, i) => {
    const labels = ids.map((id, at) => at === 0 ? UNSUPERVISED : id);
    return { kind: "tokens", ids, labels, origin: `${SAMPLES}, document ${i + 1}` };
  });
}

/**
 * BOS begins a document; without one, the id that config.json names, as in transformers' generate();
 * and without that, the end of the document before. Any of them ends a document too: some models
 * were trained on documents that only a BOS divides.
 */
function frameOf(model: Model): Frame {
  const { tokenizer: { bos, eos }, checkpoint: { config } } = model;
  const named = config["bos_token_id"];
  const start = bos ?? (typeof named === "number" ? named : eos);
  if (start !== null) return { start, stop: [...new Set([start, ...stopIds(model)])] };
  throw new ConfigError(
    `guard.text: found none, and ${model.folder} has no BOS or EOS token that a document of its ` +
      "own could begin with, wanted retention text",
  );
}

async function write(
  engine: Engine,
  model: Model,
  { start, stop }: Frame,
  { count, maxTokens, seed, say }: SamplesOptions,
): Promise<Ids[]> {
  say(`guard: the base writes ${count} documents of up to ${maxTokens} tokens ...`);
  const { virtual = [] } = rowTokenizer(model); // in front of every text, and not read by the base
  const context = virtual.length + maxTokens;
  using batch = await BatchGenerator.open(engine, model, { context, slots: count });
  const began = performance.now();
  const prompts = Array.from({ length: count }, () => [...virtual, start]);
  const written = await within(
    "the base writes retention text",
    () => batch.generate(prompts, { temperature: 1, seed, stop }),
  );
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  say(`guard: ${count} documents written, ${seconds} s`);
  return written.map(({ ids, end }) => [start, ...ids, ...(end === null ? [] : [end])]);
}

/** A hash of all that decides what is written: every weight, the config and what is asked for. */
function keyOf(
  { checkpoint }: Model,
  frame: Frame,
  { count, maxTokens, seed }: SamplesOptions,
): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([VERSION, checkpoint.config, frame, count, maxTokens, seed]));
  for (const name of [...checkpoint.tensors.keys()].sort()) {
    const { dtype, shape, bytes } = checkpoint.get(name);
    hash.update(JSON.stringify([name, dtype, shape]));
    for (let offset = 0; offset < bytes; offset += PIECE) {
      heed();
      const length = Math.min(PIECE, bytes - offset);
      hash.update(checkpoint.read(name, { offset, length }));
    }
  }
  return hash.digest("hex");
}

/** The documents that were kept under a key; null where there are none or the file is damaged. */
function readKept(path: string, key: string, say: SamplesOptions["say"]): Ids[] | null {
  try {
    if (!exists(path)) return null;
    const { sha256, documents } = readJsonObject(path);
    if (sha256 === checksum(key, documents)) return documents as Ids[];
    throw new FileError(`Cannot use ${path}: found other documents than were kept`);
  } catch (fault) {
    if (!(fault instanceof FileError)) throw fault;
    say(`guard: ${fault.message}; the base writes them anew`);
    return null;
  }
}

/** Keeps documents for other runs. Where the disk refuses, this run goes on without. */
function keep(path: string, key: string, documents: Ids[], say: SamplesOptions["say"]): void {
  const text = JSON.stringify({ sha256: checksum(key, documents), documents });
  try {
    makeFolder(dirname(path));
    writeFile(path, (file) => writeAll(file, encodeUtf8(text)));
  } catch (fault) {
    if (!(fault instanceof FileError)) throw fault;
    say(`guard: the documents are not kept for other runs: ${fault.message}`);
  }
}

const checksum = (key: string, documents: unknown): string =>
  createHash("sha256").update(key).update(JSON.stringify(documents) ?? "").digest("hex");
