/**
 * The tensors of a base with an adapter merged in: W' = W + scale B A, or what its method makes of
 * W, and whole tensors in place of the base's.
 *
 * @module
 */
import { FileError } from "../errors.ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import {
  type Dtype,
  DTYPE_BYTES,
  fromFloat32,
  overflowsAt,
  type TensorData,
  type TensorInfo,
  toFloat32,
} from "../io/safetensors/safetensors.ts";
import { isTied, storedOf } from "../models/mod.ts";
import { HEAD, Tensors } from "../models/stored.ts";
import { asStored } from "./as_stored.ts";
import { type Change, methodOf } from "./methods/mod.ts";
import type { PeftAdapter, TokenRows } from "./peft/folder.ts";
import { refuseUnmerged } from "./unmerged.ts";
import { refuseOtherBase } from "./whole.ts";
import { heed } from "../stop.ts";

/** An element type that weights can be merged in and converted to. */
export type MergeDtype = "F32" | "F16" | "BF16";

const MERGE_DTYPES: readonly string[] = ["F32", "F16", "BF16"] satisfies MergeDtype[];

/** What of a merge concerns single tensors. */
export interface MergeTensorsOptions {
  /** Element type of all float tensors of the result; by default each keeps its own. */
  readonly dtype?: MergeDtype;
  /** Gives embedding and head that share a tensor one each; wanted where the adapter changes one. */
  readonly untie?: boolean;
}

/** A tensor of the result. */
export interface MergedTensor extends TensorData {
  /** Whether the adapter changes it. */
  readonly changed: boolean;
}

/** Sums of squares over a tensor: of its update, and of what rounding took of it. */
export interface Rounding {
  update: number;
  missing: number;
  /** Whether any number is another than that of the base rounded alone. */
  survives: boolean;
}

/** Elements converted at a time; the rows of a block are whole. */
const BLOCK_ELEMENTS = 1 << 20;

/** A tensor of the result, before its numbers are computed. */
interface Entry {
  readonly name: string;
  readonly source: TensorInfo;
  readonly change: Change | undefined;
}

/**
 * The tensors of `checkpoint` with `adapter`, if any, merged in, each computed when its bytes are
 * asked for. W + scale B A is summed in f64 and rounded to f32, then once to the element type. Until
 * all bytes are read `checkpoint` must stay open. What rounding takes is noted in `roundings`.
 *
 * @throws {FileError} If the adapter does not fit the checkpoint, or changes one end of a tied pair
 * that is not to be untied; while the bytes are read, if a value is not finite in the element type.
 */
export function mergedTensors(
  checkpoint: Checkpoint,
  adapter: PeftAdapter | undefined,
  options: MergeTensorsOptions = {},
  roundings: Map<string, Rounding> = new Map(),
): MergedTensor[] {
  const tied = isTied(checkpoint);
  const tensors = new Tensors(checkpoint, storedOf(checkpoint.config["model_type"]), tied);
  if (options.untie && !tied) {
    throw new FileError(
      `Cannot untie ${checkpoint.folder}: its output head is a tensor of its own`,
    );
  }
  if (adapter) refuseUnmerged(checkpoint.folder, adapter);
  const changes = adapter ? changesOf(tensors, adapter, options) : new Map<string, Change>();
  return entriesOf(tensors, changes, options).map((entry) => {
    const { name, source, change } = entry;
    const dtype = isFloat(source.dtype) && options.dtype ? options.dtype : source.dtype;
    const isCopied = change === undefined && dtype === source.dtype;
    const data = () =>
      isCopied ? copied(checkpoint, source) : computed(checkpoint, entry, dtype, roundings);
    return { name, dtype, shape: source.shape, data, changed: change !== undefined };
  });
}

/** The tensors of the result, with the changes by the names of the forward. */
function entriesOf(
  tensors: Tensors,
  changes: ReadonlyMap<string, Change>,
  { untie }: MergeTensorsOptions,
): Entry[] {
  const stored = [...tensors.checkpoint.tensors.values()];
  const named = new Map([...changes].map(([name, change]) => [tensors.nameOf(name), change]));
  if (!untie) {
    return stored.map((source) => ({ name: source.name, source, change: named.get(source.name) }));
  }
  const { embedding } = tensors;
  const shared = tensors.nameOf(HEAD);
  return stored.flatMap((source): Entry[] => {
    const { name } = source;
    if (name !== shared) {
      return tensors.isHead(name) ? [] : [{ name, source, change: named.get(name) }];
    }
    const place = tensors.isHead(name) ? embedding : name;
    return [
      { name: place, source, change: changes.get(embedding) },
      { name: HEAD, source, change: changes.get(HEAD) },
    ];
  });
}

/** What the adapter changes, by the names of the forward, once all of it is found to fit. */
function changesOf(
  tensors: Tensors,
  adapter: PeftAdapter,
  options: MergeTensorsOptions,
): Map<string, Change> {
  refuseOtherBase(tensors, adapter);
  const method = methodOf(adapter.config);
  const changes = new Map<string, Change>();
  for (const module of adapter.modules) {
    const name = `${module.module}.weight`;
    const { outFeatures, inFeatures } = asStored(tensors, module);
    const [rows, columns] = tensors.checkpoint.tensors.get(tensors.nameOf(name))?.shape ?? [];
    checkTarget(tensors, name, [outFeatures || rows!, inFeatures || columns!], options);
    changes.set(name, method.merge!(module, tensors));
    const bias = `${module.module}.bias`;
    const change = method.mergeBias?.(module);
    if (!change || !tensors.checkpoint.tensors.has(tensors.nameOf(bias))) continue;
    checkTarget(tensors, bias, [outFeatures || inFeatures], options);
    changes.set(bias, change);
  }
  for (const rows of adapter.tokens ?? []) {
    const change = rowsChange(rows);
    for (const name of tablesOf(tensors, rows)) changes.set(name, change);
  }
  for (const { name, shape, numbers } of adapter.whole ?? []) {
    checkTarget(tensors, name, shape, options);
    const width = shape.at(-1)!;
    changes.set(name, (values, row) => {
      values.set(numbers.subarray(row * width, row * width + values.length));
    });
  }
  return changes;
}

/** What rows of tokens are merged into: a tied embedding is the head too, and stays so. */
function tablesOf(tensors: Tensors, { module, ids, numbers }: TokenRows): string[] {
  const { checkpoint } = tensors;
  const name = `${module}.weight`;
  const width = numbers.length / ids.length;
  const { shape } = tensors.get(name);
  const isFit = shape[1] === width && ids.every((id) => id < shape[0]!);
  if (!isFit) {
    throw new FileError(
      `Cannot merge into ${checkpoint.folder}: the adapter has tokens ${ids} of ${name} with ` +
        `${width} numbers, there it is [${shape}]`,
    );
  }
  checkTarget(tensors, name, shape, { untie: true });
  return isTied(checkpoint) ? [tensors.embedding, HEAD] : [name];
}

/** Puts rows in place of those of their tokens. */
const rowsChange = ({ ids, numbers }: TokenRows): Change => (values, firstRow) => {
  const width = numbers.length / ids.length;
  for (const [i, id] of ids.entries()) {
    const at = (id - firstRow) * width;
    if (at < 0 || at >= values.length) continue;
    values.set(numbers.subarray(i * width, (i + 1) * width), at);
  }
};

function checkTarget(
  tensors: Tensors,
  name: string,
  shape: readonly number[],
  { untie }: MergeTensorsOptions,
): void {
  const { checkpoint } = tensors;
  const what = `Cannot merge module "${name.replace(/\.weight$/, "")}" into`;
  const stored = tensors.nameOf(name);
  if (isTied(checkpoint) && !untie && stored === tensors.nameOf(HEAD)) {
    throw new FileError(
      `${what} ${checkpoint.folder}: embedding and output head share one tensor there ` +
        "(tie_word_embeddings), so merging would change both; merge with --untie, which gives " +
        "each its own",
    );
  }
  if (!checkpoint.tensors.has(stored)) {
    throw new FileError(
      `${what} ${checkpoint.folder}: there is no tensor "${stored}", its modules are ` +
        moduleKinds(checkpoint),
    );
  }
  const { dtype, file } = checkpoint.get(stored, shape);
  if (MERGE_DTYPES.includes(dtype)) return;
  throw new FileError(
    `${what} ${file}: its weight is ${dtype}, wanted ${MERGE_DTYPES.join(", ")}`,
  );
}

function isFloat(dtype: Dtype): boolean {
  return MERGE_DTYPES.includes(dtype) || dtype === "F64";
}

/** The last words of the names of all modules with a matrix, such as `q_proj, v_proj`. */
function moduleKinds(checkpoint: Checkpoint): string {
  const matrices = [...checkpoint.tensors.values()].filter(({ shape }) => shape.length === 2);
  return [...new Set(matrices.map(({ name }) => name.split(".").at(-2)!))].join(", ");
}

function* copied(checkpoint: Checkpoint, { name, bytes }: TensorInfo): Iterable<Uint8Array> {
  const chunk = new Uint8Array(Math.min(bytes, BLOCK_ELEMENTS * 4));
  for (let offset = 0; offset < bytes; offset += chunk.byteLength) {
    heed();
    const length = Math.min(chunk.byteLength, bytes - offset);
    yield checkpoint.read(name, { offset, length, into: chunk });
  }
}

function* computed(
  checkpoint: Checkpoint,
  { source, name, change }: Entry,
  dtype: Dtype,
  roundings: Map<string, Rounding>,
): Iterable<Uint8Array> {
  const { dtype: storedDtype, shape, bytes } = source;
  const rowLength = shape.at(-1) ?? 1;
  const rowBytes = rowLength * DTYPE_BYTES[storedDtype];
  const blockBytes = Math.max(1, Math.floor(BLOCK_ELEMENTS / rowLength)) * rowBytes;
  const rounding: Rounding = { update: 0, missing: 0, survives: false };
  if (change) roundings.set(name, rounding);
  for (let offset = 0; offset < bytes; offset += blockBytes) {
    heed();
    const length = Math.min(blockBytes, bytes - offset);
    const before = toFloat32(checkpoint.read(source.name, { offset, length }), storedDtype);
    const values = change ? before.slice() : before;
    change?.(values, offset / rowBytes);
    checkFinite(values, dtype, name, checkpoint.folder);
    const rounded = fromFloat32(values, dtype);
    if (change) note(rounding, before, values, rounded, dtype);
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
    // A base of another precision is rounded too: that is none of the update's loss.
    rounding.missing += (exact[i]! - before[i]! - (rounded[i]! - alone[i]!)) ** 2;
    rounding.survives ||= rounded[i] !== alone[i];
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
