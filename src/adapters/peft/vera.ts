/**
 * VeRA in PEFT's folders: its config, and the projections that all modules share (PEFT's `VeraConfig`,
 * `VeraModel`).
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import type { SafetensorsFile, TensorInfo } from "../../io/safetensors/safetensors.ts";
import type { LoraWeights, PeftAdapter } from "./adapter.ts";
import type { Names } from "./targets.ts";

/** Fields of a config beside those of every kind of adapter. */
export const VERA_FIELDS: readonly string[] = [
  "bias",
  "d_initial",
  "fan_in_fan_out",
  "init_weights",
  "projection_prng_key",
  "r",
  "save_projection",
  "vera_dropout",
];

/** The names of the projections, whole. */
const PROJECTIONS = { a: "base_model.vera_A", b: "base_model.vera_B" } as const;

/** Whether a tensor is one of them. */
export const isProjection = (name: string): boolean =>
  name === PROJECTIONS.a || name === PROJECTIONS.b;

/** Both projections of a file, [rank, inputs] and [outputs, rank] for the widest modules. */
export interface Projections {
  readonly a: TensorInfo;
  readonly b: TensorInfo;
}

/**
 * The projections of a file.
 *
 * @throws {FileError} where they were not saved, for then they are whatever torch draws by a key, or
 * have other shapes than the config says.
 */
export function projectionsOf(
  { path, tensors }: SafetensorsFile,
  config: Readonly<Record<string, unknown>>,
  configName: string,
): Projections {
  if (config["save_projection"] === false) {
    throw new FileError(
      `Cannot use ${path}: "save_projection" is false in ${configName}, and so the projections are ` +
        "what torch draws by projection_prng_key; wanted them saved",
    );
  }
  const [a, b] = [tensors.get(PROJECTIONS.a), tensors.get(PROJECTIONS.b)];
  const rank = config["r"];
  for (const [tensor, name, at] of [[a, PROJECTIONS.a, 0], [b, PROJECTIONS.b, 1]] as const) {
    if (!tensor) throw new FileError(`Cannot use ${path}: it has no ${name}`);
    if (tensor.shape.length === 2 && tensor.shape[at] === rank) continue;
    throw new FileError(
      `Cannot use ${path}: tensor "${name}" has shape [${tensor.shape}], wanted rank ${rank} as in ` +
        configName,
    );
  }
  return { a: a!, b: b! };
}

/**
 * The sizes of a module by its two vectors, [out] and [rank]; its inputs they do not tell.
 *
 * @throws {FileError} where one has another shape.
 */
export function veraSizes(
  { path }: SafetensorsFile,
  { lambdaB, lambdaD }: { readonly lambdaB: TensorInfo; readonly lambdaD: TensorInfo },
  rank: number,
): Pick<LoraWeights, "rank" | "alpha" | "scale" | "inFeatures" | "outFeatures"> {
  for (const [{ name, shape }, wanted] of [[lambdaB, "outputs"], [lambdaD, rank]] as const) {
    if (shape.length === 1 && (wanted === "outputs" || shape[0] === wanted)) continue;
    throw new FileError(
      `Cannot use ${path}: tensor "${name}" has shape [${shape}], wanted [${wanted}]`,
    );
  }
  return { rank, alpha: 0, scale: 1, inFeatures: 0, outFeatures: lambdaB.shape[0]! };
}

/** The largest of each projection among the modules, as a file has it once. */
export function sharedOf(modules: readonly LoraWeights[]) {
  const largest = (key: "a" | "b") =>
    modules.map((module) => module[key]).reduce((most, x) => x.length > most.length ? x : most);
  const { rank } = modules[0]!;
  const [a, b] = [largest("a"), largest("b")];
  return [
    { name: PROJECTIONS.a, shape: [rank, a.length / rank], numbers: a },
    { name: PROJECTIONS.b, shape: [b.length / rank, rank], numbers: b },
  ];
}

/** Fields that follow from the adapter. */
export const veraConfig = (
  { rank, targetModules, config }: PeftAdapter,
): { readonly target_modules: Names; readonly [field: string]: unknown } => ({
  bias: config["bias"] ?? "none",
  d_initial: config["d_initial"] ?? 0.1,
  init_weights: true,
  projection_prng_key: config["projection_prng_key"] ?? 0,
  r: rank,
  save_projection: true,
  target_modules: [...targetModules].sort(),
  vera_dropout: Number(config["lora_dropout"] ?? config["vera_dropout"] ?? 0),
});
