/**
 * Folders whose matrices are stored in several tensors each, codes and scales apart: read as one tensor
 * of a weight format each, under the name that the numbers have elsewhere.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { fileBytes, type WeightFormat } from "../../formats/mod.ts";
import { type Checkpoint, type GroupedTensor, tensorIn } from "../../io/checkpoint.ts";
import { type Dtype, toFloat32 } from "../../io/safetensors/dtype.ts";
import type { ReadOptions, TensorInfo } from "../../io/safetensors/safetensors.ts";
import { rangeOf } from "../row_ranges.ts";

/** A matrix [rows, columns] whose parts lie in several tensors. */
export interface PackedMatrix {
  /** As the forward calls it. */
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly format: WeightFormat;
  /** The tensor of its codes, for messages and where it lies. */
  readonly codes: TensorInfo;
  /** Rows `from` to `to` as a file of the format has them. */
  groups(from: number, to: number): Uint8Array;
}

/** What a folder holds. */
export interface Packed {
  readonly matrices: readonly PackedMatrix[];
  /** The names of tensors that are parts of a matrix. */
  readonly parts: ReadonlySet<string>;
}

/** Keys of `config.json` that say how a folder was made smaller: not true of what is read here. */
export const QUANTIZATION_KEYS = ["quantization_config", "quantization"] as const;

/** A folder with its matrices whole. */
export class PackedCheckpoint implements Checkpoint {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #matrices: ReadonlyMap<string, PackedMatrix>;

  /**
   * Takes the folder over, and closes it where it throws.
   *
   * @param find What the folder holds.
   * @throws {FileError} where its parts are not those of a format that is built.
   */
  constructor(private readonly inner: Checkpoint, find: (inner: Checkpoint) => Packed) {
    try {
      const { matrices, parts } = find(inner);
      this.#matrices = new Map(matrices.map((matrix) => [matrix.name, matrix]));
      this.tensors = new Map([
        ...inner.tensors.entries().filter(([name]) => !parts.has(name)),
        ...matrices.map((matrix) => [matrix.name, described(matrix)] as const),
      ]);
    } catch (fault) {
      inner.close();
      throw fault;
    }
  }

  get folder(): string {
    return this.inner.folder;
  }

  get config(): Readonly<Record<string, unknown>> {
    const config = { ...this.inner.config };
    for (const key of QUANTIZATION_KEYS) delete config[key];
    return config;
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.inner.metadata;
  }

  get(name: string, shape?: readonly number[]): TensorInfo {
    return tensorIn(this, name, shape);
  }

  read(name: string, options?: ReadOptions): Uint8Array {
    this.get(name);
    const matrix = this.#matrices.get(name);
    if (!matrix) return this.inner.read(name, options);
    const { rows, columns, format } = matrix;
    const read = (from: number, to: number) =>
      new Uint8Array(format.decode(matrix.groups(from, to)).buffer);
    return rangeOf({ name, rows, rowBytes: 4 * columns, read }, options);
  }

  grouped(name: string): GroupedTensor | undefined {
    const matrix = this.#matrices.get(name);
    if (!matrix) return undefined;
    const { rows, columns, format } = matrix;
    const rowBytes = fileBytes(format, columns);
    const read = (from: number, to: number) => matrix.groups(from, to);
    return {
      stored: format.stored,
      read: (options) => rangeOf({ name, rows, rowBytes, read }, options),
    };
  }

  files(): string[] {
    return this.inner.files();
  }

  close(): void {
    this.inner.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A matrix as the numbers that it stands for. */
function described({ name, rows, columns, codes: { file, begin } }: PackedMatrix): TensorInfo {
  return { name, dtype: "F32", shape: [rows, columns], file, begin, bytes: 4 * rows * columns };
}

/** @throws {FileError} always: what was found of a tensor, and what was wanted. */
export function refuse({ name, file }: TensorInfo, found: string, wanted: string): never {
  throw new FileError(`Cannot use tensor "${name}" in ${file}: found ${found}, wanted ${wanted}`);
}

/**
 * The place of a part of a matrix.
 *
 * @throws {FileError} where it is missing, or of another type or shape.
 */
export function partOf(
  checkpoint: Checkpoint,
  name: string,
  dtypes: readonly Dtype[],
  shape: readonly number[],
): TensorInfo {
  const tensor = checkpoint.get(name, shape);
  if (!dtypes.includes(tensor.dtype)) refuse(tensor, tensor.dtype, dtypes.join(" or "));
  return tensor;
}

/** Types that scales are stored in. */
export const FLOATS: readonly Dtype[] = ["F32", "F16", "BF16"];

/**
 * Rows `from` to `to` of a part [rows, columns], as f32.
 *
 * @throws {FileError} where a number is NaN or infinite.
 */
export function floatRows(
  checkpoint: Checkpoint,
  tensor: TensorInfo,
  from: number,
  to: number,
): Float32Array {
  const columns = tensor.shape[1] ?? 1;
  const rowBytes = tensor.bytes / (tensor.shape[0] ?? 1);
  const range = { offset: from * rowBytes, length: (to - from) * rowBytes };
  const numbers = toFloat32(checkpoint.read(tensor.name, range), tensor.dtype);
  const odd = numbers.findIndex((x) => !Number.isFinite(x));
  if (odd >= 0) {
    const [row, column] = [from + Math.floor(odd / columns), odd % columns];
    refuse(tensor, `${numbers[odd]} at [${row}, ${column}]`, "a finite number");
  }
  return numbers;
}

/** What is made when first wanted, and again when nobody holds it any more. */
export function kept<T extends WeakKey>(make: () => T): () => T {
  let held: WeakRef<T> | undefined;
  return () => {
    const known = held?.deref();
    if (known) return known;
    const made = make();
    held = new WeakRef(made);
    return made;
  };
}

/** The fields of an object; none of anything else. */
export const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
