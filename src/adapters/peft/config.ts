/**
 * `adapter_config.json` of PEFT: which fields change what an adapter computes, and how rank and
 * alpha of a module follow from them (PEFT's `LoraConfig` and `get_pattern_key`).
 *
 * @module
 */

import { FileError } from "../../errors.ts";
import { isObject } from "../../io/files.ts";
import type { PeftAdapter } from "./adapter.ts";
import { hasFactors, methodOf, METHODS } from "../methods/mod.ts";
import { type Bias, FLAG, TYPES } from "./field_types.ts";
import { IA3_FIELDS, ia3Targets } from "./ia3.ts";
import { PROMPT_METHODS } from "../prompts/mod.ts";
import { matching, type Names, saves, selects } from "./targets.ts";
import type { TokenIds } from "./tokens.ts";
import { VERA_FIELDS, veraConfig } from "./vera.ts";

export { type Bias, BIASES } from "./field_types.ts";

/** An adapter's config, checked by {@linkcode checkConfig} or made by {@linkcode configOf}. */
export interface PeftConfig extends Readonly<Record<string, unknown>> {
  readonly r: number;
  readonly lora_alpha: number;
  readonly use_rslora: boolean;
  readonly rank_pattern: Readonly<Record<string, number>>;
  readonly alpha_pattern: Readonly<Record<string, number>>;
  readonly target_modules: Names | null;
  readonly exclude_modules?: Names | null;
  readonly layers_to_transform?: number | readonly number[] | null;
  readonly layers_pattern?: Names | null;
  readonly base_model_name_or_path: string | null;
  readonly bias: Bias;
  /** In training alone. */
  readonly lora_dropout: number;
  readonly modules_to_save?: readonly string[] | null;
  readonly trainable_token_indices?: TokenIds | null;
}

/** What PEFT takes for a field that the file leaves out. */
const DEFAULTS = {
  base_model_name_or_path: null,
  r: 8,
  lora_alpha: 8,
  use_rslora: false,
  rank_pattern: {},
  alpha_pattern: {},
  target_modules: null,
  bias: "none",
  lora_dropout: 0,
};

/** The further fields that every adapter is written with, so that no reader has to guess. */
const WRITTEN = {
  auto_mapping: null,
  bias: "none",
  fan_in_fan_out: false,
  inference_mode: true,
  init_lora_weights: true,
  layers_pattern: null,
  layers_to_transform: null,
  modules_to_save: null,
  peft_type: "LORA",
  revision: null,
  task_type: "CAUSAL_LM",
  trainable_token_indices: null,
  use_dora: false,
};

/** Fields that never change what a trained adapter computes, or only choose its tensors. */
const WITHOUT_EFFECT = [
  "auto_mapping",
  "eva_config",
  "exclude_modules",
  "inference_mode",
  "layers_pattern",
  "layers_to_transform",
  "megatron_core",
  "modules_to_save",
  "peft_version",
  "qalora_group_size",
  "revision",
  "runtime_config",
  "task_type",
];

/** Further fields of LoRA that choose tensors. */
const LORA_FIELDS = ["trainable_token_indices"];

/** What PEFT calls the kinds of adapters that there are methods for. */
const PEFT_TYPES: readonly string[] = [
  ...new Set(Object.values(METHODS).map(({ peftType = "LORA" }) => peftType)),
];

/** Fields that are true for a method of its own. */
const METHOD_FIELDS: readonly string[] = Object.values(METHODS)
  .flatMap(({ field }) => field ?? []);

/** Values of the remaining fields, beside null, false and empty ones, that change nothing. */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  peft_type: ["LORA"],
  // PEFT itself follows the kind of the module, Linear or Conv1D, whatever the file says.
  fan_in_fan_out: [true],
  // PiSSA, OLoRA and their like change the base on loading: A and B alone are not the adapter.
  init_lora_weights: [true, "gaussian", "eva", "orthogonal"],
};

/**
 * Checks the config that `path` holds and fills in PEFT's defaults.
 *
 * @throws {FileError} If it is not a LoRA config, a field has a wrong type, or a field asks for
 * something that is not implemented.
 */
export function checkConfig(config: Readonly<Record<string, unknown>>, path: string): PeftConfig {
  const type = config["peft_type"] as string;
  if (!PEFT_TYPES.includes(type)) {
    const found = JSON.stringify(type) ?? "missing";
    const prompts = Object.values(PROMPT_METHODS).map(({ peftType }) => peftType);
    const wanted = [...PEFT_TYPES, ...prompts].map((name) => `"${name}"`).join(" or ");
    throw new FileError(`Cannot use ${path}: peft_type is ${found}, wanted ${wanted}`);
  }
  const known = knownFields(type);
  for (const [field, value] of Object.entries(config)) {
    if (known.has(field) || isEmpty(value) || PLAIN[field]?.includes(value)) continue;
    const found = JSON.stringify(value);
    throw new FileError(`Cannot use ${path}: "${field}" is ${found}, which is not implemented`);
  }
  const given = Object.entries(config).filter(([, value]) => value !== null);
  const defaults = type === "VERA" ? { ...DEFAULTS, r: 256 } : DEFAULTS;
  const full: Record<string, unknown> = { ...defaults, ...Object.fromEntries(given) };
  const types = [...Object.entries(TYPES), ...METHOD_FIELDS.map((field) => [field, FLAG] as const)];
  for (const [field, { wanted, accepts }] of types) {
    if (accepts(full[field])) continue;
    const found = JSON.stringify(full[field]);
    throw new FileError(`Cannot use ${path}: "${field}" is ${found}, wanted ${wanted}`);
  }
  return full as PeftConfig;
}

function knownFields(type: string): ReadonlySet<string> {
  if (type === "LORA") {
    return new Set([...Object.keys(DEFAULTS), ...WITHOUT_EFFECT, ...LORA_FIELDS, ...METHOD_FIELDS]);
  }
  const shared = ["base_model_name_or_path", "peft_type", "target_modules"];
  return new Set([...shared, ...WITHOUT_EFFECT, ...(type === "VERA" ? VERA_FIELDS : IA3_FIELDS)]);
}

/** The config of an adapter whose method has no factors. */
function factorlessConfig(adapter: PeftAdapter): PeftConfig {
  const { baseModel, config } = adapter;
  const { peftType } = methodOf(config);
  const fields = Object.entries({ ...WRITTEN, ...config, peft_type: peftType })
    .filter(([field]) => knownFields(peftType!).has(field));
  return sortKeys({
    ...Object.fromEntries(fields),
    base_model_name_or_path: baseModel === "" ? null : baseModel,
    inference_mode: true,
    ...(peftType === "VERA"
      ? veraConfig(adapter)
      : { init_ia3_weights: true, ...ia3Targets(adapter) }),
  }) as PeftConfig;
}

/**
 * The config that `adapter` is written with: its own further fields kept, those that follow from
 * its modules made anew, keys sorted as PEFT sorts them.
 *
 * @throws {RangeError} If PEFT would not read back every module's rank and scale, or would pass a
 * module over because no target names it.
 */
export function configOf(adapter: PeftAdapter): PeftConfig {
  if (!hasFactors(methodOf(adapter.config))) return factorlessConfig(adapter);
  const { baseModel, rank, alpha, rslora, targetModules, modules } = adapter;
  const odd = (key: "rank" | "alpha", usual: number) =>
    Object.fromEntries(modules.filter((m) => m[key] !== usual).map((m) => [m.module, m[key]]));
  const config = sortKeys({
    ...WRITTEN,
    ...adapter.config,
    base_model_name_or_path: baseModel === "" ? null : baseModel,
    // Trained weights stand for themselves; an initialisation named here could run again.
    init_lora_weights: true,
    inference_mode: true,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: dropoutOf(adapter.config),
    use_rslora: rslora,
    rank_pattern: odd("rank", rank),
    alpha_pattern: odd("alpha", alpha),
    target_modules: [...targetModules].sort(),
  }) as PeftConfig;
  for (const { module, rank, scale } of modules) {
    const read = scalingOf(module, config);
    if (read.rank !== rank || Math.abs(read.scale - scale) > 1e-6 * Math.abs(scale)) {
      throw new RangeError(
        `Cannot write module "${module}": found rank ${rank} and scale ${scale}, but its alpha ` +
          `and rank would be read as rank ${read.rank} and scale ${read.scale}`,
      );
    }
    if (!isTargeted(module, config)) {
      throw new RangeError(`Cannot write module "${module}": none of [${targetModules}] names it`);
    }
  }
  return config;
}

/** Rank, alpha and scale of `module`: the first pattern that matches its name wins. */
export function scalingOf(
  module: string,
  config: PeftConfig,
): { rank: number; alpha: number; scale: number } {
  const rank = matching(module, config.rank_pattern) ?? config.r;
  const alpha = matching(module, config.alpha_pattern) ?? config.lora_alpha;
  return { rank, alpha, scale: alpha / (config.use_rslora ? Math.sqrt(rank) : rank) };
}

/** The dropout of a config, as read or as made. */
export const dropoutOf = ({ lora_dropout, vera_dropout }: PeftAdapter["config"]): number =>
  Number(lora_dropout ?? vera_dropout ?? DEFAULTS.lora_dropout);

/** Whether PEFT would adapt `module`; a pattern that only Python understands is taken to match. */
export function isTargeted(module: string, config: PeftConfig): boolean {
  try {
    return selects(module, {
      targets: config.target_modules ?? ".*",
      exclude: config.exclude_modules ?? undefined,
      layers: config.layers_to_transform ?? undefined,
      layersPattern: config.layers_pattern ?? undefined,
      saved: config.modules_to_save ?? undefined,
    });
  } catch (fault) {
    if (fault instanceof SyntaxError) return true;
    throw fault;
  }
}

/** Whether PEFT would train and save a tensor of the base, beside low-rank factors of `modules`. */
export function isWhole(
  tensor: string,
  { modules_to_save, bias }: Partial<PeftConfig>,
  modules: readonly string[],
): boolean {
  if (saves(modules_to_save ?? [], tensor)) return true;
  if (!tensor.endsWith(".bias")) return false;
  return bias === "all" ||
    (bias === "lora_only" && modules.includes(tensor.replace(/\.bias$/, "")));
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === false || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function sortKeys(value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sortKeys(value[key])]));
}
