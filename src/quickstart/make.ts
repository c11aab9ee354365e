/**
 * Writes the quickstart's data, the same bytes every time: into `configs/quickstart/` what is
 * committed, into `runs/quickstart/` the text that its base model learns from (`deno task quickstart-data`).
 *
 * @module
 */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { writeText } from "../io/files.ts";
import { makeFolder } from "../io/folders.ts";
import { tokenizerFiles, trainBpe } from "./bpe.ts";
import { FAMILIES } from "./families.ts";
import { EVAL_SEED, PRETRAIN_SEED, RETENTION_SEED, stories } from "./stories.ts";
import { type TaskRow, taskRows } from "./tasks.ts";

/** Entries of the quickstart's tokenizer. */
export const VOCABULARY_SIZE: number = 1024;
/** Tokens that the quickstart's base model takes. */
export const CONTEXT_LENGTH: number = 256;

const TOKENIZER_STORIES = 8000;
const RETENTION_STORIES = 800;
const PRETRAINING_STORIES = 60_000;
const UNSEEN_STORIES = 600;

/** The text that the tokenizer learns from: stories, and rows of all families as prompts. */
export function* tokenizerText(): Generator<string> {
  yield* stories(PRETRAIN_SEED, TOKENIZER_STORIES);
  for (const { instruction, input, output } of taskRows("train", FAMILIES)) {
    yield `### Instruction:\n${instruction}\n\n### Input:\n${input}\n\n### Response:\n${output}`;
  }
}

/** The files of `configs/quickstart/`, by path, as text. */
export function quickstartFiles(): Record<string, string> {
  const bpe = trainBpe(tokenizerText(), VOCABULARY_SIZE);
  const tokenizer = Object.entries(tokenizerFiles(bpe, CONTEXT_LENGTH))
    .map(([name, content]) => [`base/${name}`, JSON.stringify(content, null, 2) + "\n"]);
  return {
    ...Object.fromEntries(tokenizer),
    "instructions.jsonl": jsonLines<TaskRow>(taskRows("train")),
    "instructions_test.jsonl": jsonLines<TaskRow>(taskRows("test")),
    "retention.jsonl": textLines(distinct(RETENTION_SEED, RETENTION_STORIES)),
  };
}

/** The base model's text, and text that it never sees. */
export function pretrainingFiles(): Record<string, string> {
  const pretraining = [...stories(PRETRAIN_SEED, PRETRAINING_STORIES)];
  const seen = new Set(pretraining);
  const unseen = distinct(EVAL_SEED, UNSEEN_STORIES).filter((text) => !seen.has(text));
  return { "stories.jsonl": textLines(pretraining), "unseen.jsonl": textLines(unseen) };
}

/** The stories of a seed without those that were told before. */
function distinct(seed: number, count: number): string[] {
  return [...new Set(stories(seed, count))];
}

function textLines(texts: readonly string[]): string {
  return jsonLines(texts.map((text) => ({ text })));
}

function jsonLines<Row>(rows: readonly Row[]): string {
  return rows.map((row) => JSON.stringify(row) + "\n").join("");
}

function write(folder: URL, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    const target = fileURLToPath(new URL(path, folder));
    makeFolder(dirname(target));
    writeText(target, text);
  }
}

if (import.meta.main) {
  write(new URL("../../configs/quickstart/", import.meta.url), quickstartFiles());
  write(new URL("../../runs/quickstart/", import.meta.url), pretrainingFiles());
}
