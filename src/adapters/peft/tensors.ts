/**
 * The tensors of PEFT's `adapter_model.safetensors`: their names there, and what they mean.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { toFiniteFloat32 } from "../../io/safetensors/finite.ts";
import {
  fromFloat32,
  type SafetensorsFile,
  type TensorData,
  type TensorInfo,
} from "../../io/safetensors/safetensors.ts";
import type { LoraWeights, PeftAdapter, WholeTensor } from "./adapter.ts";
import { isTargeted, isWhole, type PeftConfig, scalingOf } from "./config.ts";

const PREFIX = "base_model.model.";

/** The two factors of a module, as they are named in the file. */
const LINEAR = { a: "lora_A.weight", b: "lora_B.weight" };
const TABLE = { a: "lora_embedding_A", b: "lora_embedding_B" };

/** What a file holds. */
type Contents = Required<Pick<PeftAdapter, "modules" | "whole" | "carried">>;

/**
 * Reads the tensors of a file; `configName` is for messages.
 *
 * @throws {FileError} If a tensor is unknown, unpaired or of another rank than the config says.
 */
export function readTensors(
  file: SafetensorsFile,
  config: PeftConfig,
  configName: string,
): Contents {
  const pairs = new Map<string, Partial<Pair>>();
  const others: [name: string, tensor: TensorInfo][] = [];
  for (const [path, tensor] of file.tensors) {
    const name = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : "";
    const half = halfOf(name);
    if (!half) others.push([name, tensor]);
    else {
      const { module, isTable, side } = half;
      pairs.set(module, { ...pairs.get(module), isTable, [side]: tensor });
    }
  }
  const modules = [...pairs].map(([module, pair]) =>
    readModule(file, module, wholePair(file, module, pair), config, configName)
  );
  const names = modules.map(({ module }) => module);
  const contents = { modules, whole: [] as WholeTensor[], carried: [] as WholeTensor[] };
  for (const [name, tensor] of others) {
    const place = placeOf(name, config, names);
    if (place === null) throw unknown(file, tensor);
    if (place.kind === "copy") continue;
    const numbers = readFloats(file, tensor);
    contents[place.kind].push({ name: place.name, shape: tensor.shape, numbers });
  }
  if (modules.length === 0) throw new FileError(`Cannot use ${file.path}: it has no LoRA tensors`);
  return contents;
}

interface Pair {
  readonly isTable: boolean;
  readonly a: TensorInfo; // [rank, inFeatures]
  readonly b: TensorInfo; // [outFeatures, rank]
}

function halfOf(name: string) {
  const [, module, linear, table] =
    /^(.+)\.(?:lora_([AB])\.weight|lora_embedding_([AB]))$/.exec(name) ?? [];
  if (module === undefined) return null;
  const side = (linear ?? table) === "A" ? "a" as const : "b" as const;
  return { module, isTable: table !== undefined, side };
}

/**
 * What a tensor is that is no factor: trained whole, a table of the base, or a copy of what stands
 * elsewhere (with `bias: "all"` PEFT writes the biases of saved modules three times). Null where it
 * is none of these.
 */
function placeOf(name: string, config: PeftConfig, modules: readonly string[]) {
  const [, module = "", leaf = ""] = /^(.+)\.base_layer\.(weight|bias)$/.exec(name) ?? [];
  if (leaf === "weight" && modules.includes(module)) {
    return { kind: "carried", name: `${module}.weight` } as const;
  }
  const plain = leaf === "bias" ? `${module}.bias` : name;
  if (!isWhole(plain, config, modules)) return null;
  const isCopy = /\.(original_module|modules_to_save)\./.test(plain);
  return { kind: isCopy ? "copy" : "whole", name: plain } as const;
}

function unknown(file: SafetensorsFile, { name }: TensorInfo): FileError {
  return new FileError(
    `Cannot use ${file.path}: tensor "${name}" is not ${PREFIX}MODULE.lora_A.weight or ` +
      "lora_B.weight, nor named by modules_to_save or bias, and other kinds of adapter are not " +
      "supported",
  );
}

function wholePair(file: SafetensorsFile, module: string, pair: Partial<Pair>): Pair {
  const { isTable = false, a, b } = pair;
  if (a && b) return { isTable, a, b };
  const names = isTable ? TABLE : LINEAR;
  const [found, missing] = a ? [names.a, names.b] : [names.b, names.a];
  const short = (name: string) => name.replace(".weight", "");
  throw new FileError(
    `Cannot use ${file.path}: module "${module}" has ${short(found)} but no ${short(missing)}`,
  );
}

function readModule(
  file: SafetensorsFile,
  module: string,
  { isTable, a, b }: Pair,
  config: PeftConfig,
  configName: string,
): LoraWeights {
  if (!isTargeted(module, config)) {
    throw new FileError(
      `Cannot use ${file.path}: it has module "${module}", which target_modules in ` +
        `${configName} does not name`,
    );
  }
  const { rank, alpha, scale } = scalingOf(module, config);
  const [aRank, inFeatures] = matrixShape(a);
  const [outFeatures, bRank] = matrixShape(b);
  for (const [tensor, found] of [[a, aRank], [b, bRank]] as const) {
    if (found === rank) continue;
    throw new FileError(
      `Cannot use ${file.path}: tensor "${tensor.name}" has shape [${tensor.shape}], wanted rank ` +
        `${rank} as in ${configName}`,
    );
  }
  return {
    module,
    ...(isTable && { isTable }),
    ...{ rank, alpha, scale, inFeatures, outFeatures },
    a: readFloats(file, a),
    b: readFloats(file, b),
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

/** The tensors of an adapter by their names in the file, in f32. */
export function tensorsOf({ modules, whole = [] }: PeftAdapter): TensorData[] {
  const names = modules.map(({ module }) => module);
  return [
    ...modules.flatMap(factorsOf),
    ...whole.map(({ name, shape, numbers }) => tensorOf(fileNameOf(name, names), shape, numbers)),
  ];
}

function factorsOf(weights: LoraWeights): TensorData[] {
  const { module, isTable, rank, inFeatures, outFeatures, a, b } = weights;
  const names = isTable ? TABLE : LINEAR;
  return [
    tensorOf(`${module}.${names.a}`, [rank, inFeatures], a),
    tensorOf(`${module}.${names.b}`, [outFeatures, rank], b),
  ];
}

/** The bias of an adapted module lies in the layer that PEFT wraps. */
function fileNameOf(name: string, modules: readonly string[]): string {
  const [, module = "", leaf] = /^(.+)\.(\w+)$/.exec(name) ?? [];
  return modules.includes(module) ? `${module}.base_layer.${leaf}` : name;
}

function tensorOf(name: string, shape: readonly number[], numbers: Float32Array): TensorData {
  return { name: PREFIX + name, dtype: "F32", shape, data: fromFloat32(numbers, "F32") };
}
