/**
 * A folder whose matrices bitsandbytes has stored in four bits: each in several tensors, read here as
 * one in the format nf4.
 *
 * Source: `QuantState.as_dict` and `from_dict` of bitsandbytes, `functional.py`.
 *
 * @module
 */
import { FileError } from "../errors.ts";
import { FORMATS } from "../formats/mod.ts";
import { NF4_VALUES } from "../formats/groups/nf4.ts";
import { type Checkpoint, type GroupedTensor, tensorIn } from "../io/checkpoint.ts";
import type { ReadOptions, TensorInfo } from "../io/safetensors/safetensors.ts";
import { rangeOf } from "./row_ranges.ts";

/** What the name of a matrix's description ends in. */
const STATE = ".quant_state.bitsandbytes__nf4";
/** The names of all tensors that go with a matrix. */
const BESIDE =
  /\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\.bitsandbytes__\w+)$/;
const NF4 = FORMATS.nf4;
const { group: GROUP, groupBytes: GROUP_BYTES } = NF4;

/** A matrix as it is described. */
interface Entry {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  /** The largest number of each group of 64. */
  largest(): Float32Array;
}

/** Whether a folder says that bitsandbytes made it smaller. */
export const isBitsandbytes = ({ config }: Checkpoint): boolean =>
  fieldsOf(config["quantization_config"])["quant_method"] === "bitsandbytes";

/** Reads what `bnb_4bit_quant_type` nf4 stores, with and without double quantisation. */
export class BitsandbytesCheckpoint implements Checkpoint {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #entries: ReadonlyMap<string, Entry>;

  /**
   * Takes the folder over, and closes it where it throws.
   *
   * @throws {FileError} where it is in eight bits or fp4, or a matrix is not described as nf4 is.
   */
  constructor(private readonly inner: Checkpoint) {
    try {
      refuseOther(inner);
      const states = [...inner.tensors.keys()].filter((name) => name.endsWith(STATE));
      const entries = states.map((state) => entryOf(inner, state));
      this.#entries = new Map(entries.map((entry) => [entry.name, entry]));
      this.tensors = new Map(
        inner.tensors.values().filter(({ name }) => !BESIDE.test(name))
          .map((tensor) => [tensor.name, this.#described(tensor)] as const),
      );
    } catch (fault) {
      inner.close();
      throw fault;
    }
  }

  get folder(): string {
    return this.inner.folder;
  }

  /** What is read here is in no such form any more. */
  get config(): Readonly<Record<string, unknown>> {
    const { quantization_config: _, ...config } = this.inner.config;
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
    const entry = this.#entries.get(name);
    if (!entry) return this.inner.read(name, options);
    const { rows, columns } = entry;
    const read = (from: number, to: number) =>
      new Uint8Array(NF4.decode(this.#groups(entry, from, to)).buffer);
    return rangeOf({ name, rows, rowBytes: 4 * columns, read }, options);
  }

  grouped(name: string): GroupedTensor | undefined {
    const entry = this.#entries.get(name);
    if (!entry) return undefined;
    const { rows, columns } = entry;
    const rowBytes = columns / GROUP * GROUP_BYTES;
    const read = (from: number, to: number) => this.#groups(entry, from, to);
    return {
      stored: NF4.stored,
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

  /** A matrix as the numbers that it stands for. */
  #described(tensor: TensorInfo): TensorInfo {
    const entry = this.#entries.get(tensor.name);
    if (!entry) return tensor;
    const { rows, columns } = entry;
    return { ...tensor, dtype: "F32", shape: [rows, columns], bytes: 4 * rows * columns };
  }

  /** Rows as the format nf4 has them: each group's largest number before its codes. */
  #groups({ name, columns, largest }: Entry, from: number, to: number): Uint8Array {
    const perRow = columns / GROUP;
    const half = GROUP / 2;
    const codes = this.inner.read(name, {
      offset: from * columns / 2,
      length: (to - from) * columns / 2,
    });
    const scales = largest();
    const bytes = new Uint8Array((to - from) * perRow * GROUP_BYTES);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < (to - from) * perRow; i++) {
      view.setFloat32(i * GROUP_BYTES, scales[from * perRow + i]!, true);
      bytes.set(codes.subarray(i * half, (i + 1) * half), i * GROUP_BYTES + 4);
    }
    return bytes;
  }
}

/** @throws {FileError} where the folder says that it is in something else. */
function refuseOther({ folder, config }: Checkpoint): void {
  const { load_in_4bit, bnb_4bit_quant_type: type } = fieldsOf(config["quantization_config"]);
  if (load_in_4bit === true && (type ?? "fp4") === "nf4") return;
  const found = load_in_4bit === true ? `four bits of type ${type ?? "fp4"}` : "eight bits";
  throw new FileError(`${folder}: found weights in bitsandbytes' ${found}, wanted nf4`);
}

/** @throws {FileError} where a matrix is described in another way than nf4 is. */
function entryOf(checkpoint: Checkpoint, state: string): Entry {
  const name = state.slice(0, -STATE.length);
  const { folder } = checkpoint;
  const refuse = (found: string, wanted: string): never => {
    throw new FileError(
      `Cannot use tensor "${name}" in ${folder}: found ${found}, wanted ${wanted}`,
    );
  };
  const fields = jsonIn(checkpoint, state) ?? refuse("no description in JSON", "one");
  const { shape, blocksize } = fields;
  if (blocksize !== GROUP) refuse(`blocks of ${blocksize}`, `blocks of ${GROUP}`);
  const [rows, columns] = Array.isArray(shape) && shape.length === 2 ? shape as number[] : [];
  if (!isCount(rows) || !isCount(columns)) refuse(`the shape ${JSON.stringify(shape)}`, "a matrix");
  if (columns! % GROUP !== 0) refuse(`rows of ${columns}`, `rows of a multiple of ${GROUP}`);
  const groups = rows! * columns! / GROUP;
  if (checkpoint.get(name).bytes !== groups * GROUP / 2) {
    refuse(
      `${checkpoint.get(name).bytes} bytes`,
      `${groups * GROUP / 2} for [${rows}, ${columns}]`,
    );
  }
  const values = floatsIn(checkpoint, `${name}.quant_map`);
  if (String(values) !== String(NF4_VALUES)) refuse("another map of codes", "that of nf4");
  const nested = typeof fields["nested_offset"] === "number";
  const count = checkpoint.get(`${name}.absmax`).shape[0];
  if (count !== groups) refuse(`${count} scales`, `${groups}`);
  const read = () =>
    nested ? nestedScales(checkpoint, name, fields) : floatsIn(checkpoint, `${name}.absmax`);
  return { name, rows: rows!, columns: columns!, largest: checked(read, refuse) };
}

/** Scales that are read when first wanted, and again when nobody holds them any more. */
function checked(
  read: () => Float32Array,
  refuse: (found: string, wanted: string) => never,
): () => Float32Array {
  let held: WeakRef<Float32Array> | undefined;
  return () => {
    const known = held?.deref();
    if (known) return known;
    const scales = read();
    const odd = scales.findIndex((scale) => !Number.isFinite(scale));
    if (odd >= 0) refuse(`the scale ${scales[odd]} of block ${odd}`, "a finite one");
    held = new WeakRef(scales);
    return scales;
  };
}

/** Scales that are rounded to eight bits themselves: code x scale of their block + offset. */
function nestedScales(
  checkpoint: Checkpoint,
  name: string,
  fields: Readonly<Record<string, unknown>>,
): Float32Array {
  const codes = checkpoint.read(`${name}.absmax`);
  const map = floatsIn(checkpoint, `${name}.nested_quant_map`);
  const largest = floatsIn(checkpoint, `${name}.nested_absmax`);
  const block = fields["nested_blocksize"] as number;
  const offset = Math.fround(fields["nested_offset"] as number);
  return Float32Array.from(
    codes,
    (code, i) => Math.fround(map[code]! * largest[Math.floor(i / block)]!) + offset,
  );
}

function floatsIn(checkpoint: Checkpoint, name: string): Float32Array {
  const { dtype, file } = checkpoint.get(name);
  if (dtype === "F32") return new Float32Array(checkpoint.read(name).slice().buffer);
  throw new FileError(`Cannot use tensor "${name}" in ${file}: found ${dtype}, wanted F32`);
}

function jsonIn(checkpoint: Checkpoint, name: string): Record<string, unknown> | null {
  try {
    return fieldsOf(JSON.parse(new TextDecoder().decode(checkpoint.read(name))));
  } catch (fault) {
    if (fault instanceof SyntaxError) return null;
    throw fault;
  }
}

const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) > 0;

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
