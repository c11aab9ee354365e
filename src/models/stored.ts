/**
 * How a family's checkpoints differ from what its forward asks for, and the way between the two.
 *
 * @module
 */
import { ConfigError, FileError } from "../errors.ts";
import {
  fitting,
  type FormatName,
  formatOf,
  formatOfTables,
  FORMATS,
  PLAIN,
} from "../formats/mod.ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import { DTYPE_BYTES, type ReadOptions, type TensorInfo } from "../io/safetensors/safetensors.ts";

/** Where a family's files differ from the names and shapes of its forward. */
export interface Stored {
  /**
   * Left out of every name in files that were saved from the model without its head; `model.` where
   * it is not said.
   */
  readonly prefix?: string;
  /** What some files call a tensor, by the name of the forward. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** The embedding, by the names of Llama where it is not said. */
  readonly embedding?: string;
  /** Names of the weights that lie [in, out]: the Conv1D modules of GPT-2. */
  readonly transposed?: RegExp;
}

/** Numbers of one tensor: the bytes asked for, in the orientation of the forward. */
export type Reader = (options?: ReadOptions) => Uint8Array;

/** A tensor as its file has it, in the orientation of the forward. */
export interface Source {
  readonly format: FormatName;
  readonly read: Reader;
}

/** The head, where it is not the embedding. */
export const HEAD_MODULE = "lm_head";
export const HEAD = `${HEAD_MODULE}.weight`;

/** The tensors of a checkpoint, by the names and in the orientation of the forward. */
export class Tensors {
  /**
   * @param tied Whether embedding and head are one: some files have it by the name of the head.
   * @param quantize What matrices of single numbers are rounded to, where their rows are whole
   * groups of it.
   */
  constructor(
    readonly checkpoint: Checkpoint,
    private readonly stored: Stored = {},
    private readonly tied = false,
    readonly quantize?: FormatName | undefined,
  ) {}

  /** What the forward calls the embedding. */
  get embedding(): string {
    return this.stored.embedding ?? "model.embed_tokens.weight";
  }

  /** Whether the checkpoint would call the head so. */
  isHead(name: string): boolean {
    return name === HEAD || name === this.stored.aliases?.[HEAD];
  }

  /** What the checkpoint calls the tensor that the forward calls `name`. */
  nameOf(name: string): string {
    const { embedding } = this;
    const { prefix = "model.", aliases = {} } = this.stored;
    if (this.tied && name === HEAD) return this.nameOf(embedding);
    const names = [name, aliases[name]];
    if (name.startsWith(prefix)) names.push(name.slice(prefix.length));
    if (this.tied && name === embedding) names.push(HEAD, aliases[HEAD]);
    const { tensors } = this.checkpoint;
    return names.find((known) => known !== undefined && tensors.has(known)) ?? name;
  }

  /** Whether the checkpoint has the matrix the other way round. */
  isTransposed(name: string): boolean {
    return this.stored.transposed?.test(name) ?? false;
  }

  /** The shape in the checkpoint of what the forward has in `shape`, and back. */
  turn(name: string, shape: readonly number[]): readonly number[] {
    return this.isTransposed(name) ? shape.toReversed() : shape;
  }

  /**
   * The place of a tensor.
   *
   * @throws {FileError} where the checkpoint lacks it or has it in another shape.
   */
  get(name: string, shape?: readonly number[]): TensorInfo {
    return this.checkpoint.get(this.nameOf(name), shape && this.turn(name, shape));
  }

  /**
   * A tensor as its file has it.
   *
   * @throws {FileError} where it is stored in a format that is not built.
   */
  source(name: string): Source {
    const { dtype, file } = this.get(name);
    const grouped = this.isTransposed(name)
      ? undefined
      : this.checkpoint.grouped(this.nameOf(name));
    const format = formatOf(grouped?.stored ?? dtype);
    if (format) return { format, read: grouped?.read ?? this.reader(name) };
    const known = PLAIN.map((name) => FORMATS[name].stored).join(", ");
    throw new FileError(`${file}: ${name} is stored as ${dtype}, wanted one of ${known}`);
  }

  /** The format of a matrix on the device: its own, or the one that it is rounded to. */
  format(name: string, shape: readonly number[]): FormatName {
    this.get(name, shape);
    const { format } = this.source(name);
    const { quantize } = this;
    if (quantize === undefined || !PLAIN.includes(format)) return format;
    const isTable = name === this.embedding || name === HEAD;
    return fitting(isTable ? formatOfTables(quantize) : quantize, shape.at(-1)!) ?? format;
  }

  /** Reads a tensor in pieces; one that lies the other way round is read and turned as a whole. */
  reader(name: string): Reader {
    const { name: stored, dtype, shape } = this.get(name);
    if (!this.isTransposed(name)) return (options) => this.checkpoint.read(stored, options);
    const bytes = this.checkpoint.read(stored);
    const whole = transposeBytes(bytes, shape as [number, number], DTYPE_BYTES[dtype]);
    return ({ offset = 0, length = whole.length - offset, into = new Uint8Array(length) } = {}) => {
      into.set(whole.subarray(offset, offset + length));
      return into.subarray(0, length);
    };
  }
}

/** @throws {ConfigError} where no matrix of the checkpoint can be rounded to `quantize`. */
export function refuseNoGroups(checkpoint: Checkpoint, quantize: FormatName): void {
  const fits = checkpoint.tensors.values().some(({ name, shape }) =>
    shape.length === 2 && fitting(quantize, shape[1]!) && !checkpoint.grouped(name)
  );
  if (fits) return;
  const least = FORMATS[formatOf(FORMATS[quantize].fallback ?? "") ?? quantize].group;
  throw new ConfigError(
    `Cannot round ${checkpoint.folder} to ${quantize}: none of its matrices is of single numbers ` +
      `in rows of a multiple of ${least}`,
  );
}

/** A row-major matrix [rows, columns] the other way round. */
export function transpose(
  numbers: Float32Array,
  [rows, columns]: readonly [number, number],
): Float32Array {
  const { buffer, byteOffset, byteLength } = numbers;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return new Float32Array(transposeBytes(bytes, [rows, columns], 4).buffer);
}

/** The same of numbers of two or four bytes. */
function transposeBytes(
  bytes: Uint8Array,
  [rows, columns]: readonly [number, number],
  numberBytes: number,
): Uint8Array<ArrayBuffer> {
  const Words = numberBytes === 2 ? Uint16Array : Uint32Array;
  const from = new Words(bytes.slice().buffer);
  const to = new Words(from.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      to[column * rows + row] = from[row * columns + column]!;
    }
  }
  return new Uint8Array(to.buffer);
}
