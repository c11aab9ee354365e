/**
 * A checkpoint with other tables: what it becomes where its vocabulary was resized, or where it is
 * given a head of scores.
 *
 * @module
 */
import { type Checkpoint, type GroupedTensor, tensorIn } from "../io/checkpoint.ts";
import { type Dtype, fromFloat32, type ReadOptions } from "../io/safetensors/safetensors.ts";
import type { TensorInfo } from "../io/safetensors/safetensors.ts";

/** A table in place of one of the checkpoint, [rows, columns]. */
export interface Table {
  /** As the checkpoint calls it, or would. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly numbers: Float32Array;
  readonly dtype: Dtype;
  /** The file that it is from. */
  readonly file: string;
}

/** A checkpoint over another one. */
class WithTables implements Checkpoint {
  readonly folder: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #bytes: ReadonlyMap<string, Uint8Array>;

  constructor(
    private readonly base: Checkpoint,
    tables: readonly Table[],
    config: Readonly<Record<string, unknown>>,
  ) {
    this.folder = base.folder;
    this.config = { ...base.config, ...config };
    this.#bytes = new Map(tables.map(({ name, numbers, dtype }) => {
      return [name, fromFloat32(numbers, dtype)];
    }));
    const infos = tables.map(({ name, shape, dtype, file }) => {
      const bytes = this.#bytes.get(name)!.length;
      return [name, { name, dtype, shape, file, begin: 0, bytes }] as const;
    });
    this.tensors = new Map([...base.tensors, ...infos]);
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.base.metadata;
  }

  get(name: string, shape?: readonly number[]): TensorInfo {
    return tensorIn(this, name, shape);
  }

  read(name: string, options: ReadOptions = {}): Uint8Array {
    const own = this.#bytes.get(name);
    if (own === undefined) return this.base.read(name, options);
    const { offset = 0, length = own.length - offset, into = new Uint8Array(length) } = options;
    into.set(own.subarray(offset, offset + length));
    return into.subarray(0, length);
  }

  grouped(name: string): GroupedTensor | undefined {
    return this.#bytes.has(name) ? undefined : this.base.grouped(name);
  }

  files(): string[] {
    return this.base.files();
  }

  close(): void {
    this.base.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A checkpoint with these tables, of another config in part; closing it closes the other. */
export function withTables(
  base: Checkpoint,
  tables: readonly Table[],
  config: Readonly<Record<string, unknown>> = {},
): Checkpoint {
  return new WithTables(base, tables, config);
}
