/**
 * Merging a LoRA adapter into its base: W' = W + scale B A, streamed from file to file on the CPU,
 * so that memory does not grow with the model.
 *
 * @module
 */

import { FileError } from "../errors.ts";
import { configText } from "../io/config_text.ts";
import {
  type Checkpoint,
  openCheckpoint,
  refuseOccupied,
  writeCheckpoint,
} from "../io/checkpoint.ts";
import {
  type Dtype,
  DTYPE_BYTES,
  fromFloat32,
  overflowsAt,
  type TensorData,
  type TensorInfo,
  toFloat32,
} from "../io/safetensors/safetensors.ts";
import { storedOf } from "../models/mod.ts";
import { Tensors } from "../models/stored.ts";
import { asStored } from "./as_stored.ts";
import { type LoraWeights, type PeftAdapter, readPeft } from "./peft.ts";

/** An element type that weights can be merged in and converted to. */
export type MergeDtype = "F32" | "F16" | "BF16";

const MERGE_DTYPES: readonly string[] = ["F32", "F16", "BF16"] satisfies MergeDtype[];

/** How to merge. */
export interface MergeOptions {
  /** Element type of all float tensors of the result; by default each keeps its own. */
  readonly dtype?: MergeDtype;
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

/** Sums of squares over a tensor: of its update, and of what rounding took of it. */
interface Rounding {
  update: number;
  missing: number;
  /** Whether any number is another than that of the base rounded alone. */
  survives: boolean;
}

/** Elements converted at a time; the rows of a block are whole. */
const BLOCK_ELEMENTS = 1 << 20;

/**
 * Merges the adapter in `adapterFolder` into the checkpoint in `baseFolder`, writes the result with
 * the base's tokenizer to `outFolder`, reads it back and compares every byte with a recomputation.
 *
 * @throws {FileError} If a folder is missing, damaged or occupied, the adapter does not fit the
 * base, a merged weight is not finite, nothing of the update survives rounding, or the disk gives
 * back other bytes than were written.
 */
export function mergeAdapter(
  baseFolder: string,
  adapterFolder: string,
  outFolder: string,
  options: MergeOptions = {},
): Merged {
  refuseOccupied(outFolder);
  const adapter = readPeft(adapterFolder);
  using base = openCheckpoint(baseFolder);
  const roundings = new Map<string, Rounding>();
  const tensors = mergedTensors(base, adapter, options, roundings);
  const config = configText(baseFolder, options.dtype);
  const { maxShardBytes } = options;
  const copied = { config, tensors, copyFrom: baseFolder };
  writeCheckpoint(outFolder, maxShardBytes === undefined ? copied : { ...copied, maxShardBytes });
  using merged = openCheckpoint(outFolder);
  for (const tensor of tensors) checkOnDisk(merged, tensor);
  return { changed: modulesOf(base, adapter).map(weightOf), ...lossOf(roundings, outFolder) };
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

/**
 * The tensors of `checkpoint` with `adapter`, if any, merged in, each computed when its bytes are asked for.
 * W + scale B A is summed in f64 and rounded to f32, then once to the element type. Until all bytes
 * are read `checkpoint` must stay open. What rounding takes is noted in `roundings`.
 *
 * @throws {FileError} If the adapter does not fit the checkpoint; while the bytes are read, if a
 * value is not finite in the element type.
 */
export function mergedTensors(
  checkpoint: Checkpoint,
  adapter: PeftAdapter | undefined,
  options: MergeOptions = {},
  roundings: Map<string, Rounding> = new Map(),
): TensorData[] {
  const deltas = new Map<string, LoraWeights>();
  for (const module of adapter ? modulesOf(checkpoint, adapter) : []) {
    checkTarget(checkpoint, module);
    deltas.set(weightOf(module), module);
  }
  return [...checkpoint.tensors.values()].map((tensor) => {
    const { name, shape } = tensor;
    const dtype = isFloat(tensor.dtype) && options.dtype ? options.dtype : tensor.dtype;
    const delta = deltas.get(name);
    if (delta === undefined && dtype === tensor.dtype) {
      return { name, dtype, shape, data: () => copied(checkpoint, tensor) };
    }
    return {
      name,
      dtype,
      shape,
      data: () => computed(checkpoint, tensor, dtype, delta, roundings),
    };
  });
}

function modulesOf(checkpoint: Checkpoint, adapter: PeftAdapter): LoraWeights[] {
  const tensors = new Tensors(checkpoint, storedOf(checkpoint.config["model_type"]));
  return adapter.modules.map((module) => asStored(tensors, module));
}

function weightOf({ module }: LoraWeights): string {
  return `${module}.weight`;
}

function isFloat(dtype: Dtype): boolean {
  return MERGE_DTYPES.includes(dtype) || dtype === "F64";
}

function checkTarget(checkpoint: Checkpoint, weights: LoraWeights): void {
  const { module, outFeatures, inFeatures } = weights;
  const last = module.split(".").at(-1)!;
  if (checkpoint.config["tie_word_embeddings"] === true && TIED.includes(last)) {
    throw new FileError(
      `Cannot merge module "${module}" into ${checkpoint.folder}: embedding and output head share ` +
        "one tensor there (tie_word_embeddings), so merging would change both",
    );
  }
  if (!checkpoint.tensors.has(weightOf(weights))) {
    throw new FileError(
      `Cannot merge module "${module}" into ${checkpoint.folder}: there is no tensor ` +
        `"${weightOf(weights)}", its modules are ${moduleKinds(checkpoint)}`,
    );
  }
  const { dtype, file } = checkpoint.get(weightOf(weights), [outFeatures, inFeatures]);
  if (!MERGE_DTYPES.includes(dtype)) {
    throw new FileError(
      `Cannot merge module "${module}" into ${file}: its weight is ${dtype}, wanted ` +
        MERGE_DTYPES.join(", "),
    );
  }
}

/** Last words of the modules that one tensor serves when embeddings are tied. */
const TIED = ["lm_head", "embed_tokens"];

/** The last words of the names of all modules with a matrix, such as `q_proj, v_proj`. */
function moduleKinds(checkpoint: Checkpoint): string {
  const matrices = [...checkpoint.tensors.values()].filter(({ shape }) => shape.length === 2);
  return [...new Set(matrices.map(({ name }) => name.split(".").at(-2)!))].join(", ");
}

function* copied(checkpoint: Checkpoint, { name, bytes }: TensorInfo): Iterable<Uint8Array> {
  const chunk = new Uint8Array(Math.min(bytes, BLOCK_ELEMENTS * 4));
  for (let offset = 0; offset < bytes; offset += chunk.byteLength) {
    const length = Math.min(chunk.byteLength, bytes - offset);
    yield checkpoint.read(name, { offset, length, into: chunk });
  }
}

function* computed(
  checkpoint: Checkpoint,
  { name, dtype: storedDtype, shape, bytes }: TensorInfo,
  dtype: Dtype,
  delta: LoraWeights | undefined,
  roundings: Map<string, Rounding>,
): Iterable<Uint8Array> {
  const rowLength = shape.at(-1) ?? 1;
  const rowBytes = rowLength * DTYPE_BYTES[storedDtype];
  const blockBytes = Math.max(1, Math.floor(BLOCK_ELEMENTS / rowLength)) * rowBytes;
  const rounding: Rounding = { update: 0, missing: 0, survives: false };
  if (delta !== undefined) roundings.set(name, rounding);
  for (let offset = 0; offset < bytes; offset += blockBytes) {
    const length = Math.min(blockBytes, bytes - offset);
    const before = toFloat32(checkpoint.read(name, { offset, length }), storedDtype);
    const values = delta ? before.slice() : before;
    if (delta !== undefined) addDelta(values, offset / rowBytes, delta);
    checkFinite(values, dtype, name, checkpoint.folder);
    const rounded = fromFloat32(values, dtype);
    if (delta !== undefined) note(rounding, before, values, rounded, dtype);
    yield rounded;
  }
}

function note(
  rounding: Rounding,
  before: Float32Array,
  exact: Float32Array,
  bytes: Uint8Array,
  dtype: Dtype,
): void {
  const rounded = toFloat32(bytes, dtype);
  const alone = toFloat32(fromFloat32(before, dtype), dtype);
  for (let i = 0; i < before.length; i++) {
    rounding.update += (exact[i]! - before[i]!) ** 2;
    rounding.missing += (exact[i]! - rounded[i]!) ** 2;
    rounding.survives ||= rounded[i] !== alone[i];
  }
}

/** Adds the rows of scale B A from `firstRow` on to `values`. */
function addDelta(values: Float32Array, firstRow: number, weights: LoraWeights): void {
  const { a, b, rank, inFeatures, scale } = weights;
  const sum = new Float64Array(inFeatures);
  for (let begin = 0; begin < values.length; begin += inFeatures) {
    const row = firstRow + begin / inFeatures;
    sum.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = b[row * rank + r]!;
      const aRow = r * inFeatures;
      for (let i = 0; i < inFeatures; i++) sum[i]! += factor * a[aRow + i]!;
    }
    for (let i = 0; i < inFeatures; i++) values[begin + i]! += scale * sum[i]!;
  }
}

function checkFinite(values: Float32Array, dtype: Dtype, name: string, folder: string): void {
  const limit = overflowsAt(dtype);
  for (const value of values) {
    if (Math.abs(value) < limit) continue;
    throw new FileError(
      `Cannot merge into ${folder}: tensor "${name}" would hold ${value}, wanted finite ${dtype}`,
    );
  }
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
