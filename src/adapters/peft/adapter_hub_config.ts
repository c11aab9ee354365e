/**
 * `adapter_config.json` of AdapterHub's library: what of a `BnConfig` is built, and what it means in
 * decoders whose layers have no norm behind them.
 *
 * @module
 */
import { ConfigError, FileError } from "../../errors.ts";
import { isObject } from "../../io/files.ts";
import { ACTIVATIONS } from "../../models/layers/decoder.ts";
import type { Activation } from "../../ops/mod.ts";
import { BOTTLENECK_MODELS, type BottleneckSettings, type Reads } from "../methods/bottleneck.ts";

type Json = Readonly<Record<string, unknown>>;

/** Names of `config` and what they stand for. */
export type BottleneckKind = "seq_bn" | "double_seq_bn" | "par_bn";

/** Fields that stay as they are in every kind. */
const SHARED = {
  adapter_residual_before_ln: false,
  cross_adapter: false,
  dropout: 0,
  factorized_phm_W: true,
  factorized_phm_rule: false,
  hypercomplex_nonlinearity: "glorot-uniform",
  init_weights: "bert",
  init_weights_seed: null,
  inv_adapter: null,
  inv_adapter_reduction_factor: null,
  is_parallel: false,
  learn_phm: true,
  leave_out: [],
  ln_after: false,
  ln_before: false,
  mh_adapter: false,
  non_linearity: "relu",
  original_ln_after: true,
  original_ln_before: false,
  output_adapter: true,
  phm_bias: true,
  phm_c_init: "normal",
  phm_dim: 4,
  phm_init_range: 0.0001,
  phm_layer: false,
  phm_rank: 1,
  reduction_factor: 16,
  residual_before_ln: true,
  scaling: 1,
  shared_W_phm: false,
  shared_phm_rule: true,
  stochastic_depth: 0,
  use_gating: false,
};

/** Each kind as the library has it: Pfeiffer's, Houlsby's, and the parallel one. */
export const KINDS: Readonly<Record<BottleneckKind, Json>> = {
  seq_bn: { ...SHARED, original_ln_before: true },
  double_seq_bn: { ...SHARED, mh_adapter: true, non_linearity: "swish" },
  par_bn: {
    ...{ ...SHARED, is_parallel: true, reduction_factor: 2, scaling: 4 },
    init_weights: "mam_adapter",
  },
};

/** What a fresh one is made of; keys of the config table. */
export interface BottleneckOptions {
  /** Pfeiffer's by default. */
  readonly bottleneck?: BottleneckKind;
  /** The width of the model over that of the adapters; as the kind has it by default. */
  readonly reduction_factor?: number;
  /** A name of {@link NON_LINEARITIES}; as the kind has it by default. */
  readonly non_linearity?: string;
}

/** The library whose folders are written. */
const VERSION = "adapters.1.3.0";

/**
 * The config of a fresh one, for a model of `hidden` numbers a token.
 *
 * @throws {ConfigError} for a model that the library has no such class of.
 */
export function hubConfigFor(options: BottleneckOptions, model: Json, hidden: number): Json {
  const { bottleneck: kind = "seq_bn", reduction_factor, non_linearity } = options;
  const { model_type: type, architectures } = model;
  if (!BOTTLENECK_MODELS.includes(String(type))) {
    throw new ConfigError(
      `adapter.method: found bottleneck for ${type}, wanted ${BOTTLENECK_MODELS.join(", ")}`,
    );
  }
  return {
    config: {
      ...KINDS[kind],
      ...(reduction_factor !== undefined && { reduction_factor }),
      ...(non_linearity !== undefined && { non_linearity }),
    },
    hidden_size: hidden,
    model_class: Array.isArray(architectures) ? architectures[0] : null,
    ...{ model_type: type, name: "graft", version: VERSION },
  };
}

/** The kind that a config is of, whatever its width and activation; undefined for another. */
export const kindOf = ({ config }: Json): BottleneckKind | undefined =>
  (Object.keys(KINDS) as BottleneckKind[]).find((kind) => {
    const [own, given] = [bottleneckOf({ config: KINDS[kind] }), bottleneckOf({ config })];
    return own.attention === given.attention && own.output === given.output &&
      own.reads === given.reads && own.scaling === given.scaling;
  });

/** Activations by the names that the library takes. */
export const NON_LINEARITIES: Readonly<Record<string, Activation>> = {
  ...ACTIVATIONS,
  tanh: "tanh",
};

/** Whether a config is of AdapterHub's library, rather than PEFT's. */
export const isOfAdapterHub = (config: Json): boolean =>
  isObject(config["config"]) && !("peft_type" in config);

/** What a checked config, or one that was made here, asks for. */
export function bottleneckOf(config: Json): BottleneckSettings {
  const own = config["config"] as Json;
  const reads: Reads = own["is_parallel"]
    ? "residual"
    : own["original_ln_before"]
    ? "sum"
    : "branch";
  const leftOut = own["leave_out"] as readonly number[];
  const factor = own["reduction_factor"] as number | Readonly<Record<string, number>>;
  return {
    attention: own["mh_adapter"] === true,
    output: own["output_adapter"] === true,
    reads,
    activation: NON_LINEARITIES[own["non_linearity"] as string]!,
    scaling: own["scaling"] as number,
    init: own["init_weights"] === "mam_adapter" ? "mam_adapter" : "bert",
    widthOf(hidden, block) {
      if (leftOut.includes(block)) return 0;
      const by = typeof factor === "number" ? factor : factor[block] ?? factor["default"]!;
      return Math.max(1, Math.floor(hidden / by));
    },
  };
}

/** Fields that must have one value, for another is not built. */
const ONLY: Readonly<Record<string, readonly unknown[]>> = {
  cross_adapter: [false],
  inv_adapter: [null],
  is_parallel: [true, false],
  ln_after: [false],
  ln_before: [false],
  mh_adapter: [true, false],
  non_linearity: Object.keys(NON_LINEARITIES),
  original_ln_after: [true, false],
  original_ln_before: [true, false],
  output_adapter: [true, false],
  phm_layer: [false],
  residual_before_ln: [true, false],
  stochastic_depth: [0],
  use_gating: [false],
};

/**
 * Checks the config that `path` holds, and fills in the library's defaults.
 *
 * @throws {FileError} where it is of another kind of adapter, asks for something that is not built, or
 * has a wrong type.
 */
export function checkHubConfig(config: Json, path: string): Json {
  const fault = (field: string, found: unknown, wanted: string) =>
    new FileError(
      `Cannot use ${path}: "${field}" is ${JSON.stringify(found) ?? "missing"}, wanted ${wanted}`,
    );
  const given = config["config"] as Json;
  const { architecture, mh_adapter } = given as Record<string, unknown>;
  if (architecture != null || mh_adapter === undefined) {
    throw fault("architecture", architecture, "a bottleneck adapter, whose config has mh_adapter");
  }
  const { version, model_type: type, name } = config;
  if (typeof version !== "string" || !version.startsWith("adapters.")) {
    throw fault("version", version, "that of adapters 1.0 or later, such as adapters.1.3.0");
  }
  if (typeof type !== "string" || !BOTTLENECK_MODELS.includes(type)) {
    throw fault("model_type", type, BOTTLENECK_MODELS.join(", "));
  }
  if (typeof name !== "string" || name === "") throw fault("name", name, "text");
  const own: Json = { ...SHARED, ...given };
  for (const [field, allowed] of Object.entries(ONLY)) {
    if (allowed.includes(own[field])) continue;
    throw fault(field, own[field], allowed.map((value) => JSON.stringify(value)).join(" or "));
  }
  for (const field of Object.keys(given).filter((field) => !(field in SHARED))) {
    if (field !== "architecture") throw fault(field, given[field], "no such field");
  }
  checkResidual(own, fault);
  const { scaling, reduction_factor: factor, leave_out: out } = own;
  if (typeof scaling !== "number") throw fault("scaling", scaling, "a number");
  const factors = isObject(factor) ? Object.values(factor) : [factor];
  if (!factors.every((each) => typeof each === "number" && each > 0)) {
    throw fault("reduction_factor", factor, "a number above 0, or some by the numbers of layers");
  }
  if (!Array.isArray(out) || !out.every(Number.isSafeInteger)) {
    throw fault("leave_out", out, "a list of numbers of layers");
  }
  return { ...config, config: own };
}

type Fault = (field: string, found: unknown, wanted: string) => FileError;

/** Behind a layer without a norm, these three say how often the residual stream counts. */
function checkResidual(own: Json, fault: Fault): void {
  const isWithin = !own["is_parallel"] && own["original_ln_before"] === true &&
    own["residual_before_ln"] === false;
  const times = Number(isWithin) + Number(own["original_ln_after"] === true);
  if (times === 1) return;
  throw fault(
    "original_ln_after",
    own["original_ln_after"],
    `${times === 0} beside the others, where the residual stream would count ${times} times`,
  );
}
