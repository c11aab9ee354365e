/**
 * Writes checkpoint folders that `openCheckpoint` and the tools of Hugging Face read.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { FileError } from "../errors.ts";
import { encodeUtf8, exists, onDisk, writeAll, writeFile, writeJson } from "./files.ts";
import { makeFolder, rename, stageFolder } from "./folders.ts";
import { additionalTemplates, isGguf, modelBytes } from "./model_files.ts";
import { bytesOf, type TensorData, writeSafetensors } from "./safetensors/safetensors.ts";

/** The file of weights when there is one. */
export const WEIGHTS_FILE = "model.safetensors";

/** The file that says which shard holds which tensor when there are several. */
export const INDEX_FILE = "model.safetensors.index.json";

/** What goes into a checkpoint folder. */
export interface CheckpointContents {
  /** What becomes `config.json`: values, or its text as it is. */
  readonly config: Readonly<Record<string, unknown>> | string;
  /** In the order in which they are written. */
  readonly tensors: readonly TensorData[];
  /** A folder whose tokenizer and generation files are copied, those that it has. */
  readonly copyFrom?: string;
  /** Weights above this size are split into shards; 5 GB by default. */
  readonly maxShardBytes?: number;
}

/** Files beside the weights and config.json that make a checkpoint whole; {@link copiedFiles} has all. */
export const COPIED_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "generation_config.json",
  "chat_template.jinja",
  "tokenizer.model",
  "vocab.json",
  "merges.txt",
  "added_tokens.json",
];

/** Those files that a model has, as paths in its folder, and its additional chat templates. */
export function copiedFiles(place: string): string[] {
  const found = COPIED_FILES.filter((name) => isGguf(place) || exists(join(place, name)));
  return [...found, ...additionalTemplates(place)];
}

/** The Hub's own limit: https://huggingface.co/docs/huggingface_hub/package_reference/serialization */
const MAX_SHARD_BYTES = 5e9;

/**
 * Writes a checkpoint folder, which appears whole or not at all.
 *
 * @throws {FileError} If `folder` exists and holds anything, or the disk refuses.
 * @throws {RangeError} If a tensor's bytes do not fill its shape or a name comes twice.
 */
export function writeCheckpoint(folder: string, contents: CheckpointContents): void {
  refuseOccupied(folder);
  const { config, tensors, copyFrom, maxShardBytes = MAX_SHARD_BYTES } = contents;
  stageFolder(folder, (temporary) => {
    writeConfig(join(temporary, "config.json"), config);
    writeWeights(temporary, shardsOf(tensors, maxShardBytes));
    if (copyFrom !== undefined) copyFiles(copyFrom, temporary);
  }, rename);
}

/**
 * Refuses an output folder that already holds something, but for files of some names.
 *
 * @throws {FileError} If `folder` is a file or a folder that is not empty.
 */
export function refuseOccupied(folder: string, ...but: readonly string[]): void {
  if (!exists(folder)) return;
  const all = onDisk(`Cannot write ${folder}`, () => [...Deno.readDirSync(folder)]);
  const entries = all.filter(({ name }) => !but.includes(name));
  if (entries.length > 0) {
    throw new FileError(
      `Cannot write ${folder}: found "${entries[0]!.name}" in it, wanted a new or empty folder`,
    );
  }
}

function writeConfig(path: string, config: CheckpointContents["config"]): void {
  if (typeof config !== "string") return writeJson(path, config);
  writeFile(path, (file) => writeAll(file, encodeUtf8(config)));
}

/** Consecutive tensors, cut into shards before the one that would exceed `maxBytes`. */
function shardsOf(tensors: readonly TensorData[], maxBytes: number): TensorData[][] {
  const shards: TensorData[][] = [[]];
  let filled = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor);
    if (filled > 0 && filled + bytes > maxBytes) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)!.push(tensor);
    filled += bytes;
  }
  return shards;
}

function writeWeights(folder: string, shards: TensorData[][]): void {
  // Transformers refuses a file without this entry.
  const metadata = { format: "pt" };
  if (shards.length === 1) {
    return writeSafetensors(join(folder, WEIGHTS_FILE), shards[0]!, metadata);
  }

  const weightMap: Record<string, string> = {};
  shards.forEach((tensors, i) => {
    const file = `model-${fiveDigits(i + 1)}-of-${fiveDigits(shards.length)}.safetensors`;
    writeSafetensors(join(folder, file), tensors, metadata);
    for (const { name } of tensors) weightMap[name] = file;
  });
  const totalSize = shards.flat().reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const index = { metadata: { total_size: totalSize }, weight_map: weightMap };
  writeJson(join(folder, INDEX_FILE), index);
}

function fiveDigits(n: number): string {
  return String(n).padStart(5, "0");
}

/** Copies contents only: the permissions of a read-only original would make a folder hard to use. */
function copyFiles(from: string, to: string): void {
  for (const name of copiedFiles(from)) {
    const bytes = modelBytes(from, name);
    if (bytes === undefined) continue;
    const path = join(to, name);
    makeFolder(dirname(path));
    writeFile(path, (file) => writeAll(file, bytes));
  }
}
