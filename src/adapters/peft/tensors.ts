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
import { type AdapterMethod, type Key, LORA, methodOf } from "../methods/mod.ts";
import type { LoraWeights, PeftAdapter, TokenRows, WholeTensor } from "./adapter.ts";
import { isTargeted, isWhole, type PeftConfig, scalingOf } from "./config.ts";
import { ia3Sizes, isFeedForward } from "./ia3.ts";
import type { Names } from "./targets.ts";
import { isProjection, projectionsOf, sharedOf, veraSizes } from "./vera.ts";
import { requireTokens, TOKEN_TENSOR, tokenRows } from "./tokens.ts";

const PREFIX = "base_model.model.";

/** What a file holds. */
type Contents = Required<Pick<PeftAdapter, "modules" | "whole" | "carried" | "tables" | "tokens">>;

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
  const method = methodOf(config);
  const found = new Map<string, Parts>();
  const others: [name: string, tensor: TensorInfo][] = [];
  const projections = method.name === "vera" ? readProjections(file, config, configName) : null;
  for (const [path, tensor] of file.tensors) {
    if (projections && isProjection(path)) continue;
    const name = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : "";
    const part = partOf(name, method);
    if (!part) others.push([name, tensor]);
    else {
      const { module, isTable, key } = part;
      found.set(module, { isTable, tensors: { ...found.get(module)?.tensors, [key]: tensor } });
    }
  }
  const modules = [...found].map(([module, parts]) => {
    requireWhole(file, method, module, parts);
    return { ...readModule(file, module, parts, config, configName), ...projections };
  });
  const names = modules.map(({ module }) => module);
  const none = (): WholeTensor[] => [];
  const tokens: TokenRows[] = [];
  const contents = { modules, whole: none(), carried: none(), tables: none(), tokens };
  for (const [name, tensor] of others) {
    if (name.endsWith(`.${TOKEN_TENSOR}`)) {
      tokens.push(tokenRows(file, tensor, { name, config, numbers: readFloats(file, tensor) }));
      continue;
    }
    const place = placeOf(name, config, names);
    if (place === null) throw unknown(file, tensor);
    if (place.kind === "copy") continue;
    const numbers = readFloats(file, tensor);
    contents[place.kind].push({
      name: place.name,
      shape: tensor.shape,
      numbers,
      dtype: tensor.dtype,
    });
  }
  if (modules.length === 0) {
    throw new FileError(`Cannot use ${file.path}: it has no tensors of ${method.name}`);
  }
  requireTokens(file, tokens, config);
  return contents;
}

/** The tensors of a module. */
interface Parts {
  readonly isTable: boolean;
  readonly tensors: Partial<Readonly<Record<Key, TensorInfo>>>;
}

/** The names behind that of a module. */
function namesOf({ linearNames, tableNames = {} }: AdapterMethod, isTable: boolean) {
  return Object.entries(isTable ? tableNames : linearNames) as [key: Key, name: string][];
}

/** The module that a tensor is of, and what it is there. */
function partOf(name: string, method: AdapterMethod) {
  for (const isTable of [false, true]) {
    // LoRA's tables are known in any case, to say that they are not built for a method.
    for (const [key, ending] of namesOf(isTable ? { ...LORA, ...method } : method, isTable)) {
      const module = name.slice(0, -ending.length - 1);
      if (module !== "" && name === `${module}.${ending}`) return { module, isTable, key };
    }
  }
  return null;
}

/** Embeddings and heads of the families, which PEFT saves of itself where they were resized. */
const TABLES = /(^|\.)(embed_tokens|wte|embed_in|shared|lm_head|embed_out)\.weight$/;

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
  if (!isWhole(plain, config, modules)) {
    return TABLES.test(name) ? { kind: "tables", name } as const : null;
  }
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

function requireWhole(
  file: SafetensorsFile,
  method: AdapterMethod,
  module: string,
  { isTable, tensors }: Parts,
): void {
  const fault = (what: string) =>
    new FileError(`Cannot use ${file.path}: module "${module}" ${what}`);
  if (isTable && !method.tableNames) {
    throw fault(`is a table, wanted linear modules alone with ${method.name}`);
  }
  const names = namesOf(method, isTable);
  const missing = names.find(([key]) => !tensors[key])?.[1];
  if (missing === undefined) return;
  const short = (name: string) => name.replace(".weight", "");
  const there = names.find(([key]) => tensors[key])![1];
  throw fault(`has ${short(there)} but no ${short(missing)}`);
}

function readModule(
  file: SafetensorsFile,
  module: string,
  { isTable, tensors: { a, b, magnitude, scales, lambdaB, lambdaD } }: Parts,
  config: PeftConfig,
  configName: string,
): LoraWeights {
  if (!isTargeted(module, config)) {
    throw new FileError(
      `Cannot use ${file.path}: it has module "${module}", which target_modules in ` +
        `${configName} does not name`,
    );
  }
  if (scales) {
    const isInput = isFeedForward(module, config["feedforward_modules"] as Names | null);
    const sizes = { rank: 0, alpha: 0, scale: 1, ...ia3Sizes(file, scales, isInput) };
    const none = new Float32Array(0);
    return { module, ...sizes, a: none, b: none, scales: readFloats(file, scales) };
  }
  if (lambdaB && lambdaD) {
    const none = new Float32Array(0);
    return {
      ...{ module, ...veraSizes(file, { lambdaB, lambdaD }, config.r), a: none, b: none },
      lambdaB: readFloats(file, lambdaB),
      lambdaD: readFloats(file, lambdaD),
    };
  }
  const { rank, alpha, scale } = scalingOf(module, config);
  const [aRank, inFeatures] = matrixShape(a!);
  const [outFeatures, bRank] = matrixShape(b!);
  for (const [tensor, found] of [[a!, aRank], [b!, bRank]] as const) {
    if (found === rank) continue;
    throw new FileError(
      `Cannot use ${file.path}: tensor "${tensor.name}" has shape [${tensor.shape}], wanted rank ` +
        `${rank} as in ${configName}`,
    );
  }
  if (magnitude && String(magnitude.shape) !== String([outFeatures])) {
    throw new FileError(
      `Cannot use ${file.path}: tensor "${magnitude.name}" has shape [${magnitude.shape}], wanted ` +
        `[${outFeatures}]`,
    );
  }
  return {
    module,
    ...(isTable && { isTable }),
    ...{ rank, alpha, scale, inFeatures, outFeatures },
    a: readFloats(file, a!),
    b: readFloats(file, b!),
    ...(magnitude && { magnitude: readFloats(file, magnitude) }),
  };
}

/** A and B of all modules. */
function readProjections(file: SafetensorsFile, config: PeftConfig, configName: string) {
  const { a, b } = projectionsOf(file, config, configName);
  return { a: readFloats(file, a), b: readFloats(file, b) };
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
export function tensorsOf(
  { modules, whole = [], tables = [], tokens = [], config }: PeftAdapter,
): TensorData[] {
  const method = methodOf(config);
  const names = modules.map(({ module }) => module);
  return [
    ...modules.flatMap((weights) => partsOf(weights, method)),
    ...(method.name === "vera" ? sharedOf(modules) : []).map((
      { name, shape, numbers },
    ): TensorData => ({
      ...{ name, dtype: "F32", shape, data: fromFloat32(numbers, "F32") },
    })),
    ...whole.map(({ name, shape, numbers }) => tensorOf(fileNameOf(name, names), shape, numbers)),
    ...tables.map(({ name, shape, numbers }) => tensorOf(name, shape, numbers)),
    ...tokens.map(({ module, ids, numbers }) =>
      tensorOf(`${module}.${TOKEN_TENSOR}`, [ids.length, numbers.length / ids.length], numbers)
    ),
  ];
}

function partsOf(weights: LoraWeights, method: AdapterMethod): TensorData[] {
  const { module, isTable = false, rank, inFeatures, outFeatures } = weights;
  const shapes: Partial<Record<Key, readonly number[]>> = {
    a: [rank, inFeatures],
    b: [outFeatures, rank],
    magnitude: [outFeatures],
    lambdaB: [outFeatures],
    lambdaD: [rank],
    scales: weights.isFeedForward ? [1, inFeatures] : [outFeatures, 1],
  };
  return namesOf(method, isTable).map(([key, name]) =>
    tensorOf(`${module}.${name}`, shapes[key]!, weights[key]!)
  );
}

/** The bias of an adapted module lies in the layer that PEFT wraps. */
function fileNameOf(name: string, modules: readonly string[]): string {
  const [, module = "", leaf] = /^(.+)\.(\w+)$/.exec(name) ?? [];
  return modules.includes(module) ? `${module}.base_layer.${leaf}` : name;
}

function tensorOf(name: string, shape: readonly number[], numbers: Float32Array): TensorData {
  return { name: PREFIX + name, dtype: "F32", shape, data: fromFloat32(numbers, "F32") };
}
