/**
 * A model, or a model with an adapter merged in, as a GGUF file for llama.cpp.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import { mergedTensors } from "../adapters/merged_tensors.ts";
import type { PeftAdapter } from "../adapters/peft/folder.ts";
import { refuseResized } from "../adapters/resized.ts";
import { FileError } from "../errors.ts";
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
import { type Choice, fallbacks, FILE_TYPES, typeFor, typeIn } from "./gguf/file_types.ts";
import { convertedTensor } from "./gguf/rows.ts";
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
 * assert(exportGguf("configs/quickstart/base", out, { type: "Q8_0" }).tensors > 20);
 * ```
 *
 * @throws {FileError} where llama.cpp has no such architecture, computes something else, or the
 * tokenizer is of a kind that is not known; where `out` is taken or the disk gives back other bytes.
 */
export function exportGguf(folder: string, out: string, options: GgufOptions = {}): Exported {
  using checkpoint = openWeights(folder);
  const { adapter, type = storedType(checkpoint), rounded } = options;
  if (adapter) refuseResized(checkpoint, adapter, "merge it and export that");
  const architecture = architectureOf(checkpoint.config["model_type"], folder);
  const settings = readSettings(checkpoint);
  const { entries, ropeFactors, notes } = modelMetadata(checkpoint, settings, architecture);
  const sources = mergedTensors(checkpoint, adapter, { dtype: "F32" });
  const choices: Choice[] = [];
  const tensors = sources.filter(({ name }) => !isUnused(name, settings))
    .map((tensor) =>
      converted(checkpoint, tensor, { type, architecture, settings, choices, rounded })
    );
  if (ropeFactors) tensors.unshift(factorsTensor(ropeFactors, folder));
  const metadata = new Map<string, MetadataValue>([
    ["general.architecture", string(architecture.name)],
    ["general.type", string("model")],
    ["general.name", string(basename(resolve(folder)))],
    ["general.file_type", uint32(FILE_TYPES[type]!.fileType)],
    ["general.quantization_version", uint32(QUANTIZATION_VERSION)],
    ...entries,
    ...vocabularyMetadata(folder, settings.vocabSize),
  ]);
  return writeProven(out, metadata, tensors, [...notes, ...fallbacks(choices)]);
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
  { type, architecture, settings, choices, rounded }: {
    readonly type: string;
    readonly rounded: GgufOptions["rounded"];
    readonly architecture: Architecture;
    readonly settings: Settings;
    /** Those of the matrices are added to it. */
    readonly choices: Choice[];
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
    { shape, bytes: () => typeof tensor.data === "function" ? tensor.data() : [tensor.data] },
    folder,
    {
      headDim: isWoven(architecture, module) ? settings.headDim : undefined,
      shift: isNorm && architecture.normsLessOne ? 1 : 0,
      ...(isMatrix && rounded &&
        { rounded: (error) => rounded({ name: own, type: chosen, error }) }),
    },
  );
}

function factorsTensor(factors: Float32Array, folder: string): GgufTensor {
  const bytes = () => [new Uint8Array(factors.buffer)];
  return convertedTensor("rope_freqs.weight", "F32", { shape: [factors.length], bytes }, folder);
}
