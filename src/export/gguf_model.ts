/**
 * A model, or a model with an adapter merged in, as a GGUF file for llama.cpp.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import { mergedTensors } from "../adapters/merged_tensors.ts";
import type { PeftAdapter } from "../adapters/peft/folder.ts";
import { refuseResized } from "../adapters/resized.ts";
import { ConfigError, FileError } from "../errors.ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import type { TensorData } from "../io/safetensors/safetensors.ts";
import {
  type Architecture,
  architectureOf,
  isWoven,
  moduleName,
} from "../io/gguf/architectures.ts";
import { type MetadataValue, string, uint32 } from "../io/gguf/metadata.ts";
import { openWeights } from "../models/gguf_checkpoint.ts";
import {
  type Choice,
  encodingOf,
  fallbacks,
  FILE_TYPES,
  kindOf,
  type Sizes,
  typeFor,
  typeIn,
} from "./gguf/file_types.ts";
import { columnsOf, type ImportanceMatrix, importanceMetadata } from "./gguf/importance.ts";
import { convertedTensor, type KeptUpdate } from "./gguf/rows.ts";
import { modelMetadata, readSettings, type Settings } from "./gguf/settings.ts";
import { vocabularyMetadata } from "./gguf/vocabulary.ts";
import type { GgufType } from "../io/gguf/tensor_types.ts";
import type { GgufTensor } from "../io/gguf/writer.ts";
import { type Exported, writeProven } from "./proven.ts";

/** The form of quantised numbers that this export writes; `GGML_QNT_VERSION` of ggml. */
export const QUANTIZATION_VERSION = 2;

/** A matrix that was rounded. */
export interface RoundedMatrix {
  /** Its name in the file. */
  readonly name: string;
  /** Its type in the file. */
  readonly type: string;
  /** The root mean square of what rounding changed, over that of the numbers. */
  readonly error: number;
}

/** How to write a model. */
export interface GgufOptions {
  /** The kind of file, one of {@link FILE_TYPES}; by default BF16 where the checkpoint has it, else F16. */
  readonly type?: string | undefined;
  /** An adapter to merge in: summed in f32 and rounded once. */
  readonly adapter?: PeftAdapter | undefined;
  /** What matrices are rounded by, and the file that it lies in, or its text. */
  readonly importance?: { readonly matrix: ImportanceMatrix; readonly file: string } | undefined;
  /** Hears of each matrix when it has been written. */
  readonly rounded?: ((matrix: RoundedMatrix) => void) | undefined;
}

/**
 * Writes the checkpoint in `folder` to the file `out` as llama.cpp's own converter would: norms,
 * biases and vectors stay f32. The file is read back and compared before it gets its name.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { exportGguf } from "@graft/lora";
 *
 * const out = `${Deno.makeTempDirSync()}/base.gguf`;
 * assert(exportGguf("configs/quickstart/base", out, { type: "Q8_0" }).tensors >= 20);
 * ```
 *
 * @throws {FileError} where llama.cpp has no such architecture, computes something else, or the
 * tokenizer is of a kind that is not known; where `out` is taken or the disk gives back other bytes;
 * where rounding leaves less than half of what the adapter changes.
 * @throws {ConfigError} for a kind of file that is not written.
 */
export function exportGguf(folder: string, out: string, options: GgufOptions = {}): ExportedModel {
  using checkpoint = openWeights(folder);
  const { adapter, type = storedType(checkpoint), rounded, importance } = options;
  const kind = kindOf(type);
  const isRounded = encodingOf(kind.most).group > 1;
  if (importance) refuseNoHeed(options.type);
  if (adapter) refuseResized(checkpoint, adapter, "merge it and export that");
  const architecture = architectureOf(checkpoint.config["model_type"], folder);
  const settings = readSettings(checkpoint);
  const { entries, ropeFactors, notes } = modelMetadata(checkpoint, settings, architecture);
  const sources = mergedTensors(checkpoint, adapter, { dtype: "F32" });
  const bases = new Map(
    (isRounded && adapter ? mergedTensors(checkpoint, undefined, { dtype: "F32" }) : [])
      .map((tensor) => [tensor.name, tensor]),
  );
  const choices: Choice[] = [];
  const updates = new Map<string, KeptUpdate>();
  const sizes = { ...settings, byImportance: importance !== undefined };
  const matrix = importance?.matrix;
  const tensors = sources.filter(({ name }) => !isUnused(name, settings))
    .map((tensor) => {
      const before = tensor.changed ? bases.get(tensor.name) : undefined;
      const to = { type, architecture, settings: sizes, choices, updates, before, matrix, rounded };
      return converted(checkpoint, tensor, to);
    });
  if (ropeFactors) tensors.unshift(factorsTensor(ropeFactors, folder));
  const metadata = new Map<string, MetadataValue>([
    ["general.architecture", string(architecture.name)],
    ["general.type", string("model")],
    ["general.name", string(basename(resolve(folder)))],
    ["general.file_type", uint32(kind.fileType)],
    ["general.quantization_version", uint32(QUANTIZATION_VERSION)],
    ...(importance ? importanceMetadata(importance.matrix, importance.file) : []),
    ...entries,
    ...vocabularyMetadata(folder, settings.vocabSize),
  ]);
  const done = writeProven(out, metadata, tensors, [...notes, ...fallbacks(choices)], () => {
    refuseLost(out, type, keptOf(updates));
  });
  return { ...done, kept: keptOf(updates) };
}

/** A model that was written. */
export interface ExportedModel extends Exported {
  /**
   * The share of what the adapter changes that rounding has left: how far the rounded weights have
   * moved along it, 1 for all; null without an adapter, or where nothing was rounded.
   */
  readonly kept: number | null;
}

/** An adapter of which less is left is lost. */
const LEAST_KEPT = 0.5;

function keptOf(updates: ReadonlyMap<string, KeptUpdate>): number | null {
  const sum = (of: keyof KeptUpdate) =>
    updates.values().reduce((total, update) => total + update[of], 0);
  return sum("squares") > 0 ? sum("along") / sum("squares") : null;
}

function refuseLost(out: string, type: string, kept: number | null): void {
  if (kept === null || kept >= LEAST_KEPT) return;
  throw new FileError(
    `Cannot write ${out}: rounding to ${type} leaves ${(100 * kept).toFixed(1)} % of what the ` +
      `adapter changes, wanted at least ${100 * LEAST_KEPT} %; a --type of more bits keeps more`,
  );
}

/** @throws {ConfigError} for a kind of file that is rounded the same with an importance matrix. */
export function refuseNoHeed(type: string | undefined): void {
  if (type !== undefined && encodingOf(kindOf(type).most).heedsImportance) return;
  throw new ConfigError(
    `Found an importance matrix for ${
      type ?? "16 bits"
    }, whose rounding heeds none, wanted one of ` +
      Object.entries(FILE_TYPES).filter(([, { most }]) => encodingOf(most).heedsImportance)
        .map(([kind]) => kind).join(", "),
  );
}

function storedType({ tensors }: Checkpoint): string {
  return tensors.values().some(({ dtype }) => dtype === "BF16") ? "BF16" : "F16";
}

/** A tied head that is stored all the same, and buffers of old checkpoints. */
function isUnused(name: string, { tied }: Settings): boolean {
  return (tied && name === "lm_head.weight") || name.endsWith(".rotary_emb.inv_freq");
}

function converted(
  { folder }: Checkpoint,
  tensor: TensorData,
  { type, architecture, settings, choices, updates, before, matrix, rounded }: {
    readonly type: string;
    readonly rounded: GgufOptions["rounded"];
    readonly architecture: Architecture;
    readonly settings: Settings & Sizes;
    /** Those of the matrices are added to it. */
    readonly choices: Choice[];
    /** That of the tensor is added to it, where it is there without the adapter too. */
    readonly updates: Map<string, KeptUpdate>;
    readonly before: TensorData | undefined;
    readonly matrix: ImportanceMatrix | undefined;
  },
): GgufTensor {
  const { name, shape } = tensor;
  const [, module = "", kind] = /^(.+)\.(weight|bias)$/.exec(name) ?? [];
  const base = moduleName(architecture, module);
  const hasBias = architecture.allBiases || /\.(q|k|v|qkv)_proj\.bias$/.test(name);
  if (base === undefined || (kind === "bias" && !hasBias)) {
    throw new FileError(
      `Cannot export ${folder}: llama.cpp's ${architecture.name} has no place for "${name}"`,
    );
  }
  const isNorm = base.endsWith("_norm");
  const isMatrix = shape.length >= 2 && !isNorm;
  const own = `${base}.${kind}`;
  let chosen: GgufType = "F32";
  if (isMatrix) {
    const columns = shape.at(-1)!;
    const wanted = typeIn(type, own, columns, settings);
    chosen = typeFor(wanted, columns);
    choices.push({ type: chosen, wanted });
  }
  return convertedTensor(
    own,
    chosen,
    numbersOf(tensor),
    folder,
    {
      headDim: isWoven(architecture, module) ? settings.headDim : undefined,
      shift: isNorm && architecture.normsLessOne ? 1 : 0,
      importance: isMatrix && matrix && encodingOf(chosen).heedsImportance
        ? columnsOf(matrix, own, shape.at(-1)!)
        : undefined,
      update: isMatrix && before
        ? { before: numbersOf(before), kept: (update) => void updates.set(own, update) }
        : undefined,
      ...(isMatrix && rounded &&
        { rounded: (error) => rounded({ name: own, type: chosen, error }) }),
    },
  );
}

const numbersOf = ({ shape, data }: TensorData) => ({
  shape,
  bytes: () => typeof data === "function" ? data() : [data],
});

function factorsTensor(factors: Float32Array, folder: string): GgufTensor {
  const bytes = () => [new Uint8Array(factors.buffer)];
  return convertedTensor("rope_freqs.weight", "F32", { shape: [factors.length], bytes }, folder);
}
