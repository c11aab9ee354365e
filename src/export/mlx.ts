/**
 * A LoRA adapter as mlx-lm reads it. Source: mlx-lm, `tuner/utils.py`, `load_adapters` and
 * `linear_to_lora_layers`, and `tuner/lora.py`.
 *
 * @module
 */
import { join } from "node:path";
import type { LoraWeights, PeftAdapter } from "../adapters/peft/folder.ts";
import { FileError } from "../errors.ts";
import { writeJson } from "../io/files.ts";
import { rename, stageFolder } from "../io/folders.ts";
import { refuseOccupied } from "../io/checkpoint.ts";
import {
  bytesOf,
  fromFloat32,
  openSafetensors,
  type TensorData,
  writeSafetensors,
} from "../io/safetensors/safetensors.ts";
import { openWeights } from "../models/gguf_checkpoint.ts";
import { isTied } from "../models/mod.ts";
import { type Exported, refuseBeyondLora } from "./proven.ts";
import { heed } from "../stop.ts";

const WEIGHTS_FILE = "adapters.safetensors";

/**
 * Writes `adapter` into the folder `out`. mlx-lm has one rank and one factor for all modules: a
 * smaller rank is filled with zeros, and what a module's scale is beyond the factor is multiplied
 * into its B. Modules are named from their block on, and count in every block; one that was not
 * adapted keeps a zero B. The folder of the base, `base`, is wanted where the adapter changes its
 * embedding: with a tied head mlx-lm would change both.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { exportMlx } from "@graft/lora";
 *
 * const a = new Float32Array(128).fill(0.01); // [rank, inFeatures], and as long as [outFeatures, rank]
 * const sizes = { rank: 1, alpha: 1, scale: 1, inFeatures: 128, outFeatures: 128 };
 * const q = { module: "model.layers.0.self_attn.q_proj", a, b: a, ...sizes };
 * const settings = { baseModel: "", rank: 1, alpha: 1, targetModules: ["q_proj"], rslora: false };
 * const adapter = { ...settings, modules: [q], config: {} };
 * const { tensors } = exportMlx(adapter, `${Deno.makeTempDirSync()}/mlx`);
 * assert(tensors > 0);
 * ```
 *
 * @throws {FileError} where a module lies in no block that mlx-lm finds, the adapter changes one end
 * of a tied pair or has whole tensors, `out` is taken, or the disk gives back other bytes.
 */
export function exportMlx(adapter: PeftAdapter, out: string, base?: string): Exported {
  refuseOccupied(out);
  refuseBeyondLora(adapter, "an mlx-lm adapter");
  const ends = adapter.modules.filter(({ module }) => END.includes(module));
  for (const end of ends) refuseTied(end, base);
  const rank = Math.max(...adapter.modules.map((module) => module.rank));
  const scale = adapter.modules.find((module) => module.scale !== 0)?.scale ?? 1;
  const tensors = adapter.modules.flatMap((module) => pair(module, rank, scale));
  const config = {
    fine_tune_type: "lora",
    model: adapter.baseModel,
    num_layers: -1, // all
    lora_parameters: {
      rank,
      scale,
      dropout: 0,
      keys: [...new Set(adapter.modules.map(({ module }) => keyOf(module)))].sort(),
    },
  };
  stageFolder(out, (temporary) => {
    const path = join(temporary, WEIGHTS_FILE);
    writeSafetensors(path, tensors, { format: "mlx" });
    writeJson(join(temporary, "adapter_config.json"), config);
    compare(path, tensors);
  }, rename);
  const bytes = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  return { tensors: tensors.length, bytes, notes: [] };
}

/** Modules outside of blocks, which may share one tensor. */
const END = ["lm_head", "model.embed_tokens"];

function refuseTied({ module, isTable }: LoraWeights, base: string | undefined): void {
  const fault = (what: string) => new FileError(`Cannot export module "${module}": ${what}`);
  if (base === undefined) {
    if (isTable) throw fault("found no folder of its base, wanted one to see if its head is tied");
    return;
  }
  using checkpoint = openWeights(base);
  if (!isTied(checkpoint)) return;
  throw fault(
    `embedding and output head of ${base} share one tensor, and mlx-lm would change both; ` +
      "merge with --untie",
  );
}

/** The name of a module inside its block; one outside of blocks keeps its whole name. */
function keyOf(module: string): string {
  if (END.includes(module)) return module;
  const inner = /^model\.layers\.\d+\.(.+)$/.exec(module)?.[1];
  if (inner !== undefined) return inner;
  throw new FileError(
    `Cannot export module "${module}": mlx-lm finds modules as model.layers.NUMBER.NAME, ` +
      END.join(" or "),
  );
}

/** a = Aᵀ [in, rank] and b = Bᵀ [rank, out], times what the module's scale is beyond `scale`. */
function pair(weights: LoraWeights, rank: number, scale: number): TensorData[] {
  const { module, inFeatures, outFeatures, a, b } = weights;
  const factor = weights.scale / scale;
  const aT = new Float32Array(inFeatures * rank);
  const bT = new Float32Array(rank * outFeatures);
  for (let r = 0; r < weights.rank; r++) {
    for (let i = 0; i < inFeatures; i++) aT[i * rank + r] = a[r * inFeatures + i]!;
    for (let o = 0; o < outFeatures; o++) {
      bT[r * outFeatures + o] = factor * b[o * weights.rank + r]!;
    }
  }
  return [
    { name: `${module}.lora_a`, dtype: "F32", shape: [inFeatures, rank], data: bytes(aT) },
    { name: `${module}.lora_b`, dtype: "F32", shape: [rank, outFeatures], data: bytes(bT) },
  ];
}

const bytes = (numbers: Float32Array) => fromFloat32(numbers, "F32");

function compare(path: string, tensors: readonly TensorData[]): void {
  using file = openSafetensors(path);
  for (const { name, data } of tensors) {
    heed();
    const found = file.read(name);
    const at = found.findIndex((byte, i) => byte !== (data as Uint8Array)[i]);
    if (at >= 0) {
      throw new FileError(`Cannot trust ${path}: byte ${at} of "${name}" is ${found[at]}`);
    }
  }
}
