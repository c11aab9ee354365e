/**
 * Merging an adapter into its base, streamed from file to file on the CPU, so that memory does not
 * grow with the model.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { FileError, StoppedError } from "../errors.ts";
import { readBytes, writeAll, writeFile } from "../io/files.ts";
import { makeFolder, remove } from "../io/folders.ts";
import { configText } from "../io/config_text.ts";
import {
  type Checkpoint,
  copiedFiles,
  openCheckpoint,
  refuseOccupied,
  writeCheckpoint,
} from "../io/checkpoint.ts";
import { tell } from "../progress.ts";
import type { TensorData } from "../io/safetensors/safetensors.ts";
import { hasDeniedHead } from "../models/mod.ts";
import { openWeights } from "../models/gguf_checkpoint.ts";
import { isGguf } from "../io/model_files.ts";
import {
  mergedTensors,
  type MergeDtype,
  type MergeTensorsOptions,
  type Rounding,
} from "./merged_tensors.ts";
import { readPeft } from "./peft/folder.ts";
import { resizedBy, resizesOf } from "./resized.ts";

export type { MergeDtype, MergeTensorsOptions } from "./merged_tensors.ts";

/** How to merge. */
export interface MergeOptions extends MergeTensorsOptions {
  /** Weights above this size are split into shards with an index; 5 GB by default. */
  readonly maxShardBytes?: number;
}

/** What a merge changed. */
export interface Merged {
  /** Names of the tensors that the adapter changed. */
  readonly changed: readonly string[];
  /** What rounding took of the whole update: norm of what is missing over norm of the update. */
  readonly lost: number;
  /** The tensor whose update lost most. */
  readonly worst: { readonly name: string; readonly lost: number };
}

/**
 * Merges the adapter in `adapterFolder` into the checkpoint in `baseFolder`, writes the result with
 * the base's tokenizer to `outFolder`, reads it back and compares every byte with a recomputation.
 * A base in a GGUF file becomes a folder of one element type, by default of 16 bits.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { merge, writePeft } from "@graft/lora";
 *
 * const a = new Float32Array(128).fill(0.01); // [rank, inFeatures], and as long as [outFeatures, rank]
 * const sizes = { rank: 1, alpha: 1, scale: 1, inFeatures: 128, outFeatures: 128 };
 * const q = { module: "model.layers.0.self_attn.q_proj", a, b: a, ...sizes };
 * const settings = { baseModel: "", rank: 1, alpha: 1, targetModules: ["q_proj"], rslora: false };
 * const adapter = { ...settings, modules: [q], config: {} };
 * const folder = Deno.makeTempDirSync();
 * writePeft(`${folder}/adapter`, adapter);
 * const { changed } = merge("configs/quickstart/base", `${folder}/adapter`, `${folder}/merged`);
 * assert.deepEqual(changed, ["model.layers.0.self_attn.q_proj.weight"]);
 * ```
 *
 * @throws {FileError} If a folder is missing, damaged or occupied, the adapter does not fit the
 * base or changes one end of a tied pair that is not to be untied, a merged weight is not finite,
 * nothing of the update survives rounding, or the disk gives back other bytes than were written.
 */
export function mergeAdapter(
  baseFolder: string,
  adapterFolder: string,
  outFolder: string,
  options: MergeOptions = {},
): Merged {
  refuseOccupied(outFolder);
  const adapter = readPeft(adapterFolder);
  const stored = openWeights(baseFolder);
  const vocabSize = resizesOf(stored, adapter);
  using base = resizedBy(stored, adapter);
  const roundings = new Map<string, Rounding>();
  const dtype = options.dtype ?? (isRounded(base, baseFolder) ? dtypeOf(base) : undefined);
  const tensors = mergedTensors(base, adapter, { ...options, ...(dtype && { dtype }) }, roundings);
  const untie = options.untie || hasDeniedHead(base);
  const config = configText(baseFolder, { dtype, untie, vocabSize });
  const { maxShardBytes } = options;
  const copied = { config, tensors, copyFrom: baseFolder };
  writeCheckpoint(outFolder, maxShardBytes === undefined ? copied : { ...copied, maxShardBytes });
  if (vocabSize !== null) copyTokenizer(adapterFolder, outFolder);
  try {
    using merged = openCheckpoint(outFolder);
    for (const [i, tensor] of tensors.entries()) {
      checkOnDisk(merged, tensor);
      tell("reading tensors back", i + 1, tensors.length);
    }
  } catch (fault) {
    if (fault instanceof StoppedError) remove(outFolder);
    throw fault;
  }
  return { changed: [...roundings.keys()], ...lossOf(roundings, outFolder) };
}

/** The tokenizer of a resized vocabulary lies with its tables. */
function copyTokenizer(from: string, to: string): void {
  for (const name of copiedFiles(from)) {
    makeFolder(dirname(join(to, name)));
    const bytes = readBytes(join(from, name));
    writeFile(join(to, name), (file) => writeAll(file, bytes));
  }
}

/** Whether a base is no folder of plain numbers, which a merge keeps the types of. */
const isRounded = (base: Checkpoint, place: string): boolean =>
  isGguf(place) || base.tensors.keys().some((name) => base.grouped(name) !== undefined);

/** The element type of the matrices of such a base; BF16 where they share scales. */
function dtypeOf(base: Checkpoint): MergeDtype {
  const matrices = base.tensors.values().filter(({ shape }) => shape.length === 2).toArray();
  const isGrouped = matrices.some(({ name }) => base.grouped(name) !== undefined);
  const found = matrices.map(({ dtype }) => dtype);
  if (isGrouped || found.includes("BF16")) return "BF16";
  return found.includes("F16") ? "F16" : "F32";
}

/** @throws {FileError} If there was an update, and nothing of it is left. */
function lossOf(roundings: Map<string, Rounding>, folder: string): Omit<Merged, "changed"> {
  const root = ({ update, missing }: Rounding) => Math.sqrt(missing / (update || 1));
  const whole = roundings.values().reduce((a, b) => ({
    update: a.update + b.update,
    missing: a.missing + b.missing,
    survives: a.survives || b.survives,
  }));
  if (whole.update > 0 && !whole.survives) {
    throw new FileError(
      `Cannot trust ${folder}: rounding took the whole update, merge it in a wider element type`,
    );
  }
  const worst = [...roundings].map(([name, rounding]) => ({ name, lost: root(rounding) }))
    .reduce((a, b) => b.lost > a.lost ? b : a);
  return { lost: root(whole), worst };
}

function checkOnDisk(merged: Checkpoint, tensor: TensorData): void {
  const pieces = typeof tensor.data === "function" ? tensor.data() : [tensor.data];
  const { name, file } = merged.get(tensor.name, tensor.shape);
  let offset = 0;
  for (const piece of pieces) {
    const found = merged.read(name, { offset, length: piece.byteLength });
    for (let i = 0; i < piece.byteLength; i++) {
      if (found[i] === piece[i]) continue;
      throw new FileError(
        `Cannot trust ${file}: byte ${offset + i} of tensor "${name}" is ${found[i]}, ` +
          `wanted ${piece[i]}`,
      );
    }
    offset += piece.byteLength;
  }
}
