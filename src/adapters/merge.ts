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
} from "../io/safetensors.ts";
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
}

/** Elements converted at a time; the rows of a block are whole. */
const BLOCK_ELEMENTS = 1 << 20;

/**
 * Merges the adapter in `adapterFolder` into the checkpoint in `baseFolder`, writes the result with
 * the base's tokenizer to `outFolder`, reads it back and compares every byte with a recomputation.
 *
 * @returns The names of the tensors that the adapter changed.
 * @throws {FileError} If a folder is missing, damaged or occupied, the adapter does not fit the
 * base, a merged weight is not finite, or the disk gives back other bytes than were written.
 */
export function mergeAdapter(
  baseFolder: string,
  adapterFolder: string,
  outFolder: string,
  options: MergeOptions = {},
): string[] {
  refuseOccupied(outFolder);
  const adapter = readPeft(adapterFolder);
  using base = openCheckpoint(baseFolder);
  const tensors = mergedTensors(base, adapter, options);
  const config = configText(baseFolder, options.dtype);
  writeCheckpoint(outFolder, { config, tensors, copyFrom: baseFolder });
  using merged = openCheckpoint(outFolder);
  for (const tensor of tensors) checkOnDisk(merged, tensor);
  return modulesOf(base, adapter).map(weightOf);
}

/**
 * The tensors of `checkpoint` with `adapter` merged in, each computed when its bytes are asked for.
 * W + scale B A is summed in f64 and rounded to f32, then once to the element type. Until all bytes
 * are read `checkpoint` must stay open.
 *
 * @throws {FileError} If the adapter does not fit the checkpoint; while the bytes are read, if a
 * value is not finite in the element type.
 */
export function mergedTensors(
  checkpoint: Checkpoint,
  adapter: PeftAdapter,
  options: MergeOptions = {},
): TensorData[] {
  const deltas = new Map<string, LoraWeights>();
  for (const module of modulesOf(checkpoint, adapter)) {
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
    return { name, dtype, shape, data: () => computed(checkpoint, tensor, dtype, delta) };
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
): Iterable<Uint8Array> {
  const rowLength = shape.at(-1) ?? 1;
  const rowBytes = rowLength * DTYPE_BYTES[storedDtype];
  const blockBytes = Math.max(1, Math.floor(BLOCK_ELEMENTS / rowLength)) * rowBytes;
  for (let offset = 0; offset < bytes; offset += blockBytes) {
    const length = Math.min(blockBytes, bytes - offset);
    const values = toFloat32(checkpoint.read(name, { offset, length }), storedDtype);
    if (delta !== undefined) addDelta(values, offset / rowBytes, delta);
    checkFinite(values, dtype, name, checkpoint.folder);
    yield fromFloat32(values, dtype);
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
