/**
 * A LoRA adapter as a GGUF file that llama.cpp puts on a base at run time.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import type { LoraWeights, PeftAdapter } from "../adapters/peft/folder.ts";
import { FileError } from "../errors.ts";
import { openWeights } from "../models/gguf_checkpoint.ts";
import { isTied } from "../models/mod.ts";
import { transpose } from "../models/stored.ts";
import {
  type Architecture,
  architectureOf,
  isWoven,
  moduleName,
} from "../io/gguf/architectures.ts";
import { float32, type MetadataValue, string, uint32 } from "../io/gguf/metadata.ts";
import { fallbacks, typeFor } from "./gguf/file_types.ts";
import { convertedTensor, type RowOptions } from "./gguf/rows.ts";
import { readSettings } from "./gguf/settings.ts";
import { type GgufType, TENSOR_TYPES } from "../io/gguf/tensor_types.ts";
import type { GgufTensor } from "../io/gguf/writer.ts";
import { QUANTIZATION_VERSION } from "./gguf_model.ts";
import { type Exported, refuseBeyondLora, writeProven } from "./proven.ts";

/**
 * Writes `adapter`, which was trained on the checkpoint in `folder`, to the file `out`, its factors
 * in `type`. llama.cpp
 * scales every module by alpha / rank with one alpha for all, so that whatever a module's own scale
 * is beyond that is multiplied into its B (llama.cpp, `src/llama-adapter.h`, `get_scale`).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { exportGgufLora } from "@graft/lora";
 *
 * const a = new Float32Array(128).fill(0.01); // [rank, inFeatures], and as long as [outFeatures, rank]
 * const sizes = { rank: 1, alpha: 1, scale: 1, inFeatures: 128, outFeatures: 128 };
 * const q = { module: "model.layers.0.self_attn.q_proj", a, b: a, ...sizes };
 * const settings = { baseModel: "", rank: 1, alpha: 1, targetModules: ["q_proj"], rslora: false };
 * const adapter = { ...settings, modules: [q], config: {} };
 * const out = `${Deno.makeTempDirSync()}/adapter.gguf`;
 * assert.equal(exportGgufLora("configs/quickstart/base", adapter, out).tensors, 2);
 * ```
 *
 * @throws {FileError} where llama.cpp has no such architecture or no tensor for a module; where the
 * adapter changes one end of a tied pair, or has tensors whole, which such a file cannot hold; where
 * `out` is taken or the disk gives back other bytes.
 */
export function exportGgufLora(
  folder: string,
  adapter: PeftAdapter,
  out: string,
  type: GgufType = "F32",
): Exported {
  using checkpoint = openWeights(folder);
  const architecture = architectureOf(checkpoint.config["model_type"], folder);
  refuseBeyondLora(adapter, "a GGUF adapter");
  const { headDim } = readSettings(checkpoint);
  const tied = isTied(checkpoint);
  // An alpha of 0 means no scaling to llama.cpp.
  const alpha = adapter.alpha === 0 ? adapter.rank : adapter.alpha;
  const tensors = adapter.modules.flatMap((module) => {
    const { module: name, isTable, outFeatures, inFeatures } = module;
    if (tied && ["model.embed_tokens", "lm_head"].includes(name)) {
      throw new FileError(
        `Cannot export module "${name}": embedding and output head of ${folder} share one tensor, ` +
          "and llama.cpp would change both; merge with --untie and export that",
      );
    }
    const shape = isTable ? [inFeatures, outFeatures] : [outFeatures, inFeatures];
    checkpoint.get(`${name}.weight`, shape);
    return pair(module, { alpha, architecture, headDim, type, folder });
  });
  const metadata = new Map<string, MetadataValue>([
    ["general.architecture", string(architecture.name)],
    ["general.type", string("adapter")],
    ["general.name", string(`LoRA of ${basename(resolve(folder))}`)],
    ["general.file_type", uint32(TENSOR_TYPES[type].fileType)],
    ["general.quantization_version", uint32(QUANTIZATION_VERSION)],
    ["adapter.type", string("lora")],
    ["adapter.lora.alpha", float32(alpha)],
  ]);
  return writeProven(
    out,
    metadata,
    tensors,
    fallbacks(tensors.map((tensor) => ({ type: tensor.type, wanted: type }))),
  );
}

interface PairOptions {
  readonly alpha: number;
  readonly architecture: Architecture;
  readonly headDim: number;
  readonly type: GgufType;
  readonly folder: string;
}

/**
 * The two factors of a module; the rows of B lie as the base's do. llama.cpp looks the rows of A up
 * where the module is the embedding, so that they lie as the table's do (`build_inp_embd`).
 */
function pair(
  { module, isTable, rank, scale, a, b, inFeatures, outFeatures }: LoraWeights,
  { alpha, architecture, headDim, type, folder }: PairOptions,
): GgufTensor[] {
  const base = moduleName(architecture, module);
  if (base === undefined) {
    throw new FileError(
      `Cannot export ${folder}: llama.cpp's ${architecture.name} has no place for "${module}"`,
    );
  }
  const tensor = (half: string, shape: [number, number], values: Float32Array, row?: RowOptions) =>
    convertedTensor(
      `${base}.weight.${half}`,
      typeFor(type, shape[1]),
      { shape, bytes: () => [new Uint8Array(values.buffer, values.byteOffset, values.byteLength)] },
      folder,
      row,
    );
  const factor = scale * rank / alpha;
  const woven = isWoven(architecture, module) ? headDim : undefined;
  return [
    isTable
      ? tensor("lora_a", [inFeatures, rank], transpose(a, [rank, inFeatures]))
      : tensor("lora_a", [rank, inFeatures], a),
    tensor("lora_b", [outFeatures, rank], b.map((x) => x * factor), { headDim: woven }),
  ];
}
