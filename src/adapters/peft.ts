/**
 * LoRA adapters in the folder format of PEFT (https://github.com/huggingface/peft):
 * `adapter_config.json` beside `adapter_model.safetensors`.
 *
 * @module
 */

import { join } from "node:path";
import { FileError } from "../errors.ts";
import { exists, readJsonObject, stageFolder, writeJson } from "../io/files.ts";
import { toFiniteFloat32 } from "../io/safetensors/finite.ts";
import {
  fromFloat32,
  openSafetensors,
  type SafetensorsFile,
  type TensorData,
  type TensorInfo,
  writeSafetensors,
} from "../io/safetensors/safetensors.ts";
import type { LoraWeights, PeftAdapter } from "./peft_adapter.ts";
import { checkConfig, configOf, isTargeted, type PeftConfig, scalingOf } from "./peft_config.ts";

export type { LoraWeights, PeftAdapter } from "./peft_adapter.ts";

const CONFIG_FILE = "adapter_config.json";
const WEIGHTS_FILE = "adapter_model.safetensors";
const PREFIX = "base_model.model.";

/**
 * Reads an adapter folder. Weights of any float type become f32.
 *
 * @throws {FileError} If a file is missing or damaged, the adapter is not plain LoRA on linear
 * modules, or a tensor is unknown, unpaired or of another rank than the config says.
 */
export function readPeft(folder: string): PeftAdapter {
  const configPath = join(folder, CONFIG_FILE);
  const config = readJsonObject(configPath);
  const settings = checkConfig(config, configPath);
  using file = openSafetensors(join(folder, WEIGHTS_FILE));
  const pairs = [...pairTensors(file)];
  const modules = pairs.map(([module, pair]) => readModule(file, module, pair, settings));
  const { target_modules: targets } = settings;
  return {
    baseModel: settings.base_model_name_or_path ?? "",
    rank: settings.r,
    alpha: settings.lora_alpha,
    // A pattern may single out layers, which its last words could not express.
    targetModules: Array.isArray(targets) ? targets : modules.map(({ module }) => module),
    rslora: settings.use_rslora,
    modules,
    config,
  };
}

/**
 * Writes an adapter folder with f32 weights. A new folder appears whole or not at all. In one that
 * exists both files are written and flushed under temporary names first, then the weights are
 * renamed and after them the config: during a run only the weights change, so that a crash between
 * the two renames leaves a valid adapter. Other files in the folder stay.
 *
 * @throws {RangeError} If the adapter has no module, or a module's arrays, scale or rank disagree.
 * @throws {FileError} If the disk refuses.
 */
export function writePeft(folder: string, adapter: PeftAdapter): void {
  if (adapter.modules.length === 0) throw new RangeError("Cannot write an adapter without modules");
  const config = configOf(adapter);
  const tensors = adapter.modules.flatMap(tensorsOf);
  stageFolder(folder, (temporary) => {
    writeSafetensors(join(temporary, WEIGHTS_FILE), tensors, { format: "pt" });
    writeJson(join(temporary, CONFIG_FILE), config);
  }, (temporary) => {
    if (!exists(folder)) return Deno.renameSync(temporary, folder);
    for (const name of [WEIGHTS_FILE, CONFIG_FILE]) {
      Deno.renameSync(join(temporary, name), join(folder, name));
    }
  });
}

interface Pair {
  a: TensorInfo; // [rank, inFeatures]
  b: TensorInfo; // [outFeatures, rank]
}

/** The A and B tensors of each module, in the order of the file. */
function pairTensors(file: SafetensorsFile): Map<string, Pair> {
  const halves = new Map<string, Partial<Pair>>();
  for (const [name, tensor] of file.tensors) {
    const [, module, half] = name.match(/^base_model\.model\.(.+)\.lora_([AB])\.weight$/) ?? [];
    if (module === undefined) {
      throw new FileError(
        `Cannot use ${file.path}: tensor "${name}" is not ${PREFIX}MODULE.lora_A.weight or ` +
          "lora_B.weight, and other kinds of adapter are not supported",
      );
    }
    const pair = halves.get(module) ?? {};
    halves.set(module, pair);
    if (half === "A") pair.a = tensor;
    else pair.b = tensor;
  }
  const unpaired = halves.entries().find(([, { a, b }]) => !a || !b);
  if (unpaired !== undefined) {
    const [found, missing] = unpaired[1].a ? ["lora_A", "lora_B"] : ["lora_B", "lora_A"];
    throw new FileError(
      `Cannot use ${file.path}: module "${unpaired[0]}" has ${found} but no ${missing}`,
    );
  }
  if (halves.size === 0) throw new FileError(`Cannot use ${file.path}: it has no LoRA tensors`);
  return halves as Map<string, Pair>;
}

function readModule(
  file: SafetensorsFile,
  module: string,
  { a, b }: Pair,
  config: PeftConfig,
): LoraWeights {
  if (!isTargeted(module, config)) {
    throw new FileError(
      `Cannot use ${file.path}: it has module "${module}", which target_modules in ` +
        `${CONFIG_FILE} does not name`,
    );
  }
  const { rank, alpha, scale } = scalingOf(module, config);
  const [aRank, inFeatures] = matrixShape(a);
  const [outFeatures, bRank] = matrixShape(b);
  for (const [tensor, found] of [[a, aRank], [b, bRank]] as const) {
    if (found === rank) continue;
    throw new FileError(
      `Cannot use ${file.path}: tensor "${tensor.name}" has shape [${tensor.shape}], wanted rank ` +
        `${rank} as in ${CONFIG_FILE}`,
    );
  }
  return {
    module,
    rank,
    alpha,
    scale,
    a: readFloats(file, a),
    b: readFloats(file, b),
    inFeatures,
    outFeatures,
  };
}

function matrixShape({ name, file, shape }: TensorInfo): [number, number] {
  if (shape.length === 2) return [shape[0]!, shape[1]!];
  throw new FileError(
    `Cannot use ${file}: tensor "${name}" has shape [${shape}], wanted two dimensions`,
  );
}

function readFloats(file: SafetensorsFile, tensor: TensorInfo): Float32Array {
  const { name, dtype } = tensor;
  if (!["F64", "F32", "F16", "BF16"].includes(dtype)) {
    throw new FileError(
      `Cannot use ${file.path}: tensor "${name}" is ${dtype}, wanted F32, F16, BF16 or F64`,
    );
  }
  return toFiniteFloat32(file.read(name), tensor);
}

function tensorsOf({ module, rank, inFeatures, outFeatures, a, b }: LoraWeights): TensorData[] {
  const tensor = (half: string, shape: [number, number], values: Float32Array): TensorData => {
    const name = `${PREFIX}${module}.${half}.weight`;
    return { name, dtype: "F32", shape, data: fromFloat32(values, "F32") };
  };
  return [
    tensor("lora_A", [rank, inFeatures], a),
    tensor("lora_B", [outFeatures, rank], b),
  ];
}
