/**
 * Checkpoint folders as the Hugging Face Hub lays them out: `config.json` and either
 * `model.safetensors` or shards under `model.safetensors.index.json`.
 *
 * @module
 */

import { join } from "node:path";
import { FileError } from "../errors.ts";
import { INDEX_FILE, WEIGHTS_FILE } from "./checkpoint_writer.ts";
import { exists, readJsonObject } from "./files.ts";
import { pathInside } from "./inside.ts";
import { didYouMean } from "./nearest.ts";
import {
  openSafetensors,
  type ReadOptions,
  type SafetensorsFile,
  type TensorInfo,
} from "./safetensors/safetensors.ts";
import { readWeightIndex } from "./weight_index.ts";

export {
  type CheckpointContents,
  copiedFiles,
  refuseOccupied,
  writeCheckpoint,
} from "./checkpoint_writer.ts";

/**
 * Opens a checkpoint folder and checks that every tensor it announces is there.
 *
 * @throws {FileError} If the folder, its config or its weights are missing or damaged, or an index
 * names a file outside the folder, a missing shard or a tensor that its shard lacks.
 */
export function openCheckpoint(folder: string): Checkpoint {
  return new CheckpointFolder(folder);
}

/** A tensor whose numbers share scales, as its file has it. */
export interface GroupedTensor {
  /** The file's name of the format. */
  readonly stored: string;
  /** Bytes of the tensor, row by row. */
  read(options?: ReadOptions): Uint8Array;
}

/** The tensors of a model. Close it, or hold it with `using`. */
export interface Checkpoint extends Disposable {
  /** Its path, as it was given: a folder, or a GGUF file. */
  readonly folder: string;
  /** `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The tensors of all files. Those of a format with groups are F32 here: their exact values. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The metadata of the weight files; where they differ, the last one's. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * The place of tensor `name`, which must have `shape` where one is given.
   *
   * @throws {FileError} If there is no such tensor, or it has another shape.
   */
  get(name: string, shape?: readonly number[]): TensorInfo;
  /**
   * The bytes of tensor `name`, or a range of them.
   *
   * @throws {FileError} If there is no such tensor or it cannot be read.
   * @throws {RangeError} If the range leaves the tensor or does not fit into `options.into`.
   */
  read(name: string, options?: ReadOptions): Uint8Array;
  /** Tensor `name` where its format has groups; undefined where it has not. */
  grouped(name: string): GroupedTensor | undefined;
  /** The paths of the weight files. */
  files(): string[];
  /** Closes all files; a second call does nothing. */
  close(): void;
}

/** What {@linkcode Checkpoint.get} finds among `tensors`. */
export function tensorIn(
  { tensors, folder }: Pick<Checkpoint, "tensors" | "folder">,
  name: string,
  shape?: readonly number[],
): TensorInfo {
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    const near = didYouMean(name, tensors.keys());
    throw new FileError(`Cannot find tensor "${name}" in ${folder}${near}`);
  }
  if (shape !== undefined && !sameShape(tensor.shape, shape)) {
    throw new FileError(
      `Cannot use tensor "${name}" in ${tensor.file}: found shape [${tensor.shape}], ` +
        `wanted [${shape}]`,
    );
  }
  return tensor;
}

/** An open checkpoint folder. */
class CheckpointFolder implements Checkpoint {
  readonly folder: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #shards = new Map<string, SafetensorsFile>();

  constructor(folder: string) {
    this.folder = folder;
    this.config = readJsonObject(pathInside(folder, "config.json"));
    try {
      const weightMap = this.#openShards();
      this.tensors = this.#gatherTensors();
      this.#checkIndex(weightMap);
    } catch (fault) {
      this.close();
      throw fault;
    }
    this.metadata = Object.assign({}, ...[...this.#shards.values()].map((file) => file.metadata));
  }

  get(name: string, shape?: readonly number[]): TensorInfo {
    return tensorIn(this, name, shape);
  }

  read(name: string, options?: ReadOptions): Uint8Array {
    return this.#shards.get(this.get(name).file)!.read(name, options);
  }

  grouped(): undefined {
    return undefined;
  }

  files(): string[] {
    return [...this.#shards.keys()];
  }

  close(): void {
    for (const file of this.#shards.values()) file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Opens the weight files and returns the shard's path by tensor name, as the index has it. */
  #openShards(): Map<string, string> {
    const single = pathInside(this.folder, WEIGHTS_FILE);
    if (exists(single)) {
      this.#shards.set(single, openSafetensors(single));
      return new Map();
    }
    const index = pathInside(this.folder, INDEX_FILE);
    if (!exists(index)) {
      throw new FileError(
        `Cannot read ${this.folder}: no ${WEIGHTS_FILE} and no ${INDEX_FILE} in it`,
      );
    }
    const paths = new Map<string, string>();
    const weightMap = readWeightIndex(index);
    for (const shard of new Set(weightMap.values())) {
      const path = pathInside(this.folder, shard);
      if (!exists(path)) {
        throw new FileError(`Cannot read ${index}: shard "${shard}" is missing from the folder`);
      }
      this.#shards.set(path, openSafetensors(path));
      paths.set(shard, path);
    }
    return new Map([...weightMap].map(([name, shard]) => [name, paths.get(shard)!]));
  }

  #gatherTensors(): Map<string, TensorInfo> {
    const tensors = new Map<string, TensorInfo>();
    for (const file of this.#shards.values()) {
      for (const [name, tensor] of file.tensors) {
        const other = tensors.get(name);
        if (other !== undefined) {
          throw new FileError(
            `Cannot read ${this.folder}: tensor "${name}" is both in ${other.file} and ` +
              tensor.file,
          );
        }
        tensors.set(name, tensor);
      }
    }
    return tensors;
  }

  #checkIndex(weightMap: Map<string, string>): void {
    for (const [name, path] of weightMap) {
      if (this.#shards.get(path)!.tensors.has(name)) continue;
      const index = join(this.folder, INDEX_FILE);
      throw new FileError(
        `Cannot read ${path}: it lacks tensor "${name}", which ${index} promises`,
      );
    }
  }
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
