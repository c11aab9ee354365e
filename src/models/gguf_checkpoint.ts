/**
 * A GGUF file as a checkpoint: its tensors by the names of Hugging Face, in their order of rows.
 *
 * @module
 */
import { FileError } from "../errors.ts";
import { fileBytes, FORMAT_NAMES, formatOf, FORMATS, type WeightFormat } from "../formats/mod.ts";
import { type Checkpoint, type GroupedTensor, openCheckpoint, tensorIn } from "../io/checkpoint.ts";
import {
  type Architecture,
  architectureOf,
  isWoven,
  moduleName,
} from "../io/gguf/architectures.ts";
import { type GgufFile, type GgufTensorInfo, openGguf } from "../io/gguf/reader.ts";
import { TENSOR_TYPES } from "../io/gguf/tensor_types.ts";
import { isGguf, requireJson } from "../io/model_files.ts";
import type { Dtype, ReadOptions, TensorInfo } from "../io/safetensors/safetensors.ts";
import { unpacked } from "./packed/mod.ts";
import { rangeOf } from "./row_ranges.ts";

/**
 * Opens the checkpoint in `place`: a folder, or a GGUF file.
 *
 * @throws {FileError} where it is missing or damaged, or of a kind that is not built.
 */
export function openWeights(place: string): Checkpoint {
  if (isGguf(place)) return new GgufCheckpoint(place);
  return unpacked(openCheckpoint(place));
}

/** A tensor of the file under the name that Hugging Face has for it. */
interface Entry {
  readonly info: GgufTensorInfo;
  readonly format: WeightFormat;
  readonly rows: number;
  readonly width: number;
  /** Rows of a head, where the two halves of one are woven together. */
  readonly headDim: number | undefined;
}

class GgufCheckpoint implements Checkpoint {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata = {};
  readonly #file: GgufFile;
  readonly #entries: ReadonlyMap<string, Entry>;
  #isOpen = true;

  constructor(readonly folder: string) {
    this.config = requireJson(folder, "config.json");
    this.#file = openGguf(folder);
    try {
      this.#entries = entriesOf(this.#file, this.config);
    } catch (fault) {
      this.close();
      throw fault;
    }
    this.tensors = new Map([...this.#entries].map(([name, { info, format }]) => {
      const dtype: Dtype = format.group > 1 ? "F32" : format.stored as Dtype;
      const bytes = format.group > 1 ? 4 * numbersIn(info) : info.bytes;
      return [name, { name, dtype, shape: info.shape, file: folder, begin: info.begin, bytes }];
    }));
  }

  get(name: string, shape?: readonly number[]): TensorInfo {
    return tensorIn(this, name, shape);
  }

  read(name: string, options?: ReadOptions): Uint8Array {
    this.get(name);
    const entry = this.#entries.get(name)!;
    const { format, width } = entry;
    if (format.group === 1) return this.#ranged(entry, fileBytes(format, width), options, (x) => x);
    const decode = (rows: Uint8Array) => new Uint8Array(format.decode(rows).buffer);
    return this.#ranged(entry, 4 * width, options, decode);
  }

  grouped(name: string): GroupedTensor | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.format.group === 1) return undefined;
    const { format, width } = entry;
    return {
      stored: format.stored,
      read: (options) => this.#ranged(entry, fileBytes(format, width), options, (x) => x),
    };
  }

  files(): string[] {
    return [this.folder];
  }

  close(): void {
    if (this.#isOpen) this.#file[Symbol.dispose]();
    this.#isOpen = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** A range of what rows come to, of `rowBytes` each. */
  #ranged(
    entry: Entry,
    rowBytes: number,
    options: ReadOptions | undefined,
    made: (rows: Uint8Array) => Uint8Array,
  ): Uint8Array {
    const read = (from: number, to: number) => made(this.#rows(entry, from, to));
    return rangeOf({ name: entry.info.name, rows: entry.rows, rowBytes, read }, options);
  }

  /** The bytes of rows as the file has them, in the order of Hugging Face. */
  #rows({ info: { name }, format, width, headDim }: Entry, from: number, to: number): Uint8Array {
    const rowBytes = fileBytes(format, width);
    if (headDim === undefined) {
      return this.#file.read(name, from * rowBytes, (to - from) * rowBytes);
    }
    const first = Math.floor(from / headDim) * headDim;
    const last = Math.ceil(to / headDim) * headDim;
    const woven = this.#file.read(name, first * rowBytes, (last - first) * rowBytes);
    const rows = new Uint8Array((to - from) * rowBytes);
    for (let row = from; row < to; row++) {
      const at = (wovenRow(row, headDim) - first) * rowBytes;
      rows.set(woven.subarray(at, at + rowBytes), (row - from) * rowBytes);
    }
    return rows;
  }
}

/** Where the row lies among those of its head, whose halves are woven: `weave()` undone. */
function wovenRow(row: number, headDim: number): number {
  const inHead = row % headDim;
  const half = headDim / 2;
  return row - inHead + (inHead < half ? 2 * inHead : 2 * (inHead - half) + 1);
}

const numbersIn = ({ shape }: GgufTensorInfo) => shape.reduce((n, size) => n * size, 1);

/** @throws {FileError} for a tensor of a type that is not built, or that no module reads. */
function entriesOf(file: GgufFile, config: Readonly<Record<string, unknown>>): Map<string, Entry> {
  const architecture = architectureOf(config["model_type"], file.path);
  const names = namesOf(architecture, config["num_hidden_layers"] as number);
  const entries = new Map<string, Entry>();
  for (const info of file.tensors.values()) {
    if (info.name === ROPE_FACTORS) continue;
    const name = names.get(info.name);
    if (name === undefined) {
      throw new FileError(
        `Cannot use ${file.path}: nothing in a ${architecture.name} reads tensor "${info.name}"`,
      );
    }
    const format = formatOf(info.type);
    if (format === undefined) {
      const known = FORMAT_NAMES.map((known) => FORMATS[known].stored)
        .filter((stored) => Object.hasOwn(TENSOR_TYPES, stored)).join(", ");
      throw new FileError(
        `Cannot use ${file.path}: tensor "${info.name}" is ${info.type}, wanted one of ${known}`,
      );
    }
    const width = info.shape.length < 2 ? 1 : info.shape.at(-1)!;
    const woven = isWoven(architecture, name.replace(/\.\w+$/, ""));
    entries.set(name, {
      ...{ info, width, format: FORMATS[format], rows: numbersIn(info) / width },
      headDim: woven ? config["head_dim"] as number : undefined,
    });
  }
  return entries;
}

/** Factors of the frequencies, which the config has as settings. */
const ROPE_FACTORS = "rope_freqs.weight";

/** Names of Hugging Face by those of llama.cpp. */
function namesOf(architecture: Architecture, layers: number): Map<string, string> {
  const blocks = Array.from(
    { length: layers },
    (_, i) => Object.keys(architecture.block).map((inner) => `model.layers.${i}.${inner}`),
  );
  const modules = ["model.embed_tokens", "model.norm", "lm_head", ...blocks.flat()];
  return new Map(modules.flatMap((module) => {
    const theirs = moduleName(architecture, module);
    if (theirs === undefined) return [];
    return ["weight", "bias"].map((kind) => [`${theirs}.${kind}`, `${module}.${kind}`] as const);
  }));
}
