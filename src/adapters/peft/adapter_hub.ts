/**
 * Bottleneck adapters in the folders of AdapterHub's library (https://github.com/adapter-hub/adapters,
 * 1.0 and later): `adapter_config.json`, whose `config` is a `BnConfig`, beside `adapter.safetensors`.
 *
 * @module
 */
import { join } from "node:path";
import { FileError } from "../../errors.ts";
import { exists } from "../../io/files.ts";
import { toFiniteFloat32 } from "../../io/safetensors/finite.ts";
import {
  fromFloat32,
  type SafetensorsFile,
  type TensorData,
} from "../../io/safetensors/safetensors.ts";
import { BOTTLENECK_MODELS, PLACES } from "../methods/bottleneck.ts";
import type { LoraWeights, PeftAdapter } from "./adapter.ts";

/** The file of the weights. */
export const HUB_WEIGHTS = "adapter.safetensors";

/** The same as Python pickles it, which the library writes where nothing is said. */
const PICKLED = "pytorch_adapter.bin";

type Json = Readonly<Record<string, unknown>>;

const KEYS = {
  "adapter_down.0.weight": "down",
  "adapter_down.0.bias": "downBias",
  "adapter_up.weight": "up",
  "adapter_up.bias": "upBias",
} as const;

/** The places by the library's names. */
const BEHIND = { attention_adapters: "attention", output_adapters: "output" } as const;

/**
 * Reads the adapter in `folder`, whose config was checked.
 *
 * @throws {FileError} where a tensor is unknown, missing or of another shape than others.
 */
export function readHubModules(file: SafetensorsFile, config: Json): LoraWeights[] {
  const { path } = file;
  const wanted = config["name"];
  const found = new Map<string, Partial<Record<keyof typeof KEYS, Float32Array>>>();
  const shapes = new Map<string, readonly number[]>();
  for (const [name, tensor] of file.tensors) {
    const [, block = "", number = "", behind = "", of = "", ending = ""] =
      /^(.+)\.(\d+)\.(attention_adapters|output_adapters)\.adapters\.([^.]+)\.(.+)$/.exec(name) ??
        [];
    const place = PLACES.find((place) => place.block === block);
    if (!place || of !== wanted || !(ending in KEYS)) {
      throw new FileError(
        `Cannot use ${path}: tensor "${name}" is none of a bottleneck adapter called ` +
          `${JSON.stringify(wanted)} behind a layer of ${BOTTLENECK_MODELS.join(", ")}`,
      );
    }
    if (!["F64", "F32", "F16", "BF16"].includes(tensor.dtype)) {
      throw new FileError(`Cannot use ${path}: tensor "${name}" is ${tensor.dtype}, wanted floats`);
    }
    const module = `${block}.${number}.${place[BEHIND[behind as keyof typeof BEHIND]]}`;
    const numbers = toFiniteFloat32(file.read(name), tensor);
    found.set(module, { ...found.get(module), [ending]: numbers });
    shapes.set(`${module} ${ending}`, tensor.shape);
  }
  if (found.size === 0) throw new FileError(`Cannot use ${path}: it has no tensors`);
  return [...found].map(([module, numbers]) => {
    const [rank = 0, hidden = 0] = shapes.get(`${module} adapter_down.0.weight`) ?? [];
    const expected = {
      down: [rank, hidden],
      downBias: [rank],
      up: [hidden, rank],
      upBias: [hidden],
    };
    for (const [ending, key] of Object.entries(KEYS)) {
      const shape = shapes.get(`${module} ${ending}`);
      if (shape && String(shape) === String(expected[key])) continue;
      throw new FileError(
        `Cannot use ${path}: ${ending} of the adapter behind ${module} ` +
          (shape ? `is [${shape}], wanted [${expected[key]}]` : "is missing"),
      );
    }
    const none = new Float32Array(0);
    const sizes = { rank, alpha: 0, scale: 1, inFeatures: 0, outFeatures: hidden };
    const own = Object.entries(KEYS).map(([ending, key]) =>
      [key, numbers[ending as keyof typeof KEYS]!] as const
    );
    return { module, ...sizes, a: none, b: none, ...Object.fromEntries(own) };
  });
}

/** @throws {FileError} where the weights are pickled alone. */
export function refusePickle(folder: string): void {
  if (exists(join(folder, HUB_WEIGHTS)) || !exists(join(folder, PICKLED))) return;
  throw new FileError(
    `Cannot use ${join(folder, PICKLED)}: it is pickled, which can run any code, wanted ` +
      `${HUB_WEIGHTS} (save_adapter with use_safetensors=True)`,
  );
}

/** The tensors of an adapter by the library's names. */
export function hubTensors({ modules, config }: PeftAdapter): TensorData[] {
  return modules.flatMap((weights) => {
    const { module, rank, outFeatures: hidden } = weights;
    const { block } = PLACES.find(({ block }) => module.startsWith(`${block}.`))!;
    const number = module.slice(block.length + 1).split(".")[0];
    const ending = module.slice(`${block}.${number}.`.length);
    const place = PLACES.find((place) => place.block === block)!;
    const behind = ending === place.attention ? "attention_adapters" : "output_adapters";
    const prefix = `${block}.${number}.${behind}.adapters.${config["name"]}`;
    const shapes = { down: [rank, hidden], downBias: [rank], up: [hidden, rank], upBias: [hidden] };
    return Object.entries(KEYS).map(([ending, key]) => ({
      name: `${prefix}.${ending}`,
      dtype: "F32" as const,
      shape: shapes[key],
      data: fromFloat32(weights[key]!, "F32"),
    }));
  });
}

/** TypeScript does not know it yet. */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };

/** The config that an adapter is written with; Python wants its scaling as a number with a point. */
export function hubConfigOf({ baseModel, config }: PeftAdapter): Json {
  const { config: own, hidden_size, model_class, model_type, name, version } = config as Json & {
    readonly config: Json;
  };
  const { scaling } = own as { readonly scaling?: number };
  const text = Number.isInteger(scaling) ? `${scaling}.0` : String(scaling);
  return {
    config: { ...own, scaling: rawJson(text) },
    ...{ hidden_size, model_class, model_name: baseModel, model_type, name, version },
  };
}
