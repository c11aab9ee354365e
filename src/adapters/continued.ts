/**
 * Adapters that are trained on: what they are set to came with their numbers.
 *
 * @module
 */
import { refuseResized } from "./resized.ts";
import { isDeepStrictEqual } from "node:util";
import { ConfigError } from "../errors.ts";
import type { Engine } from "../graph/compile.ts";
import type { Model } from "../models/model.ts";
import { Adapter, type AdapterOptions } from "./adapter.ts";
import { chooseModules } from "./choose.ts";
import { hasFactors, hasRank, type MethodName, methodOf, nameOfMethod } from "./methods/mod.ts";
import { type Bias, dropoutOf } from "./peft/config.ts";
import { type BottleneckOptions, isOfAdapterHub, kindOf } from "./peft/adapter_hub_config.ts";
import type { PeftAdapter } from "./peft/folder.ts";
import { ia3Targets } from "./peft/ia3.ts";
import { matching } from "./peft/targets.ts";
import type { TokenIds } from "./peft/tokens.ts";
import { tokenIds } from "./trained_tokens.ts";

/** What a saved adapter is set to, in the keys of the config table. */
export function settingsOf(adapter: PeftAdapter): Settings {
  const { targetModules: targets, prompt, config } = adapter;
  if (prompt) {
    return { method: nameOfMethod(config), num_virtual_tokens: prompt.tokens };
  }
  const method = methodOf(config);
  const shared = {
    targets,
    modules_to_save: (config["modules_to_save"] ?? []) as readonly string[],
    method: method.name as MethodName,
  };
  if (isOfAdapterHub(config)) {
    const { reduction_factor, non_linearity } = config["config"] as Required<BottleneckOptions>;
    const kind = kindOf(config);
    return {
      method: "bottleneck",
      reduction_factor,
      non_linearity,
      ...(kind && { bottleneck: kind }),
    };
  }
  if (!hasFactors(method) && hasRank(method)) {
    return { ...shared, rank: adapter.rank, dropout: dropoutOf(adapter.config) };
  }
  if (!hasRank(method)) {
    const { feedforward_modules } = ia3Targets(adapter);
    return { ...shared, feedforward_modules };
  }
  const { rank, alpha, rslora } = adapter;
  const { rank_pattern, alpha_pattern, bias } = config;
  return {
    ...{ ...shared, rank, alpha, rslora },
    rank_pattern: (rank_pattern ?? {}) as Readonly<Record<string, number>>,
    alpha_pattern: (alpha_pattern ?? {}) as Readonly<Record<string, number>>,
    bias: (bias ?? "none") as Bias,
    dropout: dropoutOf(config),
    ...(config["trainable_token_indices"] != null && {
      trainable_token_indices: config["trainable_token_indices"] as TokenIds,
    }),
  };
}

/** A key that a saved adapter has a setting for. */
type Setting = keyof Settings;

interface Settings extends Partial<Omit<AdapterOptions, "targets">> {
  readonly targets?: readonly string[];
  readonly modules_to_save?: readonly string[];
}

/** What a configuration asks of an adapter that is trained on. */
export interface Continuing extends AdapterOptions {
  /** The folder, for messages. */
  readonly from: string;
}

/**
 * A saved adapter to train on. Its own dropout counts where the options have none, for that is no part
 * of its numbers.
 *
 * @throws {ConfigError} where the options ask for another adapter than the folder holds.
 */
export function continued(
  engine: Engine,
  model: Model,
  read: PeftAdapter,
  options: Continuing,
): Adapter {
  refuseResized(model.checkpoint, read, "merge it and train on that");
  const { trainable_token_indices: tokens } = options;
  const encode = (text: string) => model.tokenizer.encode(text);
  const ids = tokens && { trainable_token_indices: tokenIds(tokens, encode) };
  refuseOther(engine, model, read, { ...options, ...ids });
  const { freeze_a = false, dropout = dropoutOf(read.config) } = options;
  return Adapter.of(engine, model, read, { dropout, freeze_a });
}

function refuseOther(engine: Engine, model: Model, read: PeftAdapter, options: Continuing): void {
  const saved = settingsOf(read);
  const differs = (key: Setting) => !isDeepStrictEqual(options[key], saved[key]);
  const refuse = (key: string, asked: unknown, found: unknown) => {
    const [wanted, has] = [asked, found].map((value) => JSON.stringify(value));
    return new ConfigError(
      `adapter.${key}: found ${wanted}, but the adapter in ${options.from} has ${has}, ` +
        "wanted the same or none",
    );
  };
  if (read.prompt) {
    refuseOtherPrompt(options, saved);
    return;
  }
  const fixed = [
    ...["method", "rslora", "bias", "modules_to_save", "feedforward_modules"] as const,
    ...["bottleneck", "reduction_factor", "non_linearity"] as const,
  ];
  for (const key of fixed.filter((key) => key in saved)) {
    if (options[key] !== undefined && differs(key)) throw refuse(key, options[key], saved[key]);
  }
  if (isOfAdapterHub(read.config)) return refuseDropout(read, options.from);
  const { trainable_token_indices: tokens } = options;
  if (tokens !== undefined && differs("trainable_token_indices")) {
    throw refuse("trainable_token_indices", tokens, saved.trainable_token_indices ?? []);
  }
  if ("rank" in saved) {
    const odd = otherNumber("rank", read, options) ??
      ("alpha" in saved ? otherNumber("alpha", read, options) : null);
    if (odd) throw refuse(odd.key, odd.asked, odd.found);
  }

  const { exclude, layers } = options;
  if (!differs("targets") && exclude === undefined && layers === undefined) return;
  const saving = {
    ...options,
    saved: saved.modules_to_save ?? [],
    rank_pattern: {},
    alpha_pattern: {},
  };
  const chosen = new Set(chooseModules(model.modules(engine), saving));
  const has = new Set(read.modules.map(({ module }) => module));
  if (chosen.symmetricDifference(has).size === 0) return;
  const key = layers !== undefined ? "layers" : exclude !== undefined ? "exclude" : "targets";
  throw refuse(key, options[key], saved.targets);
}

/** @throws {ConfigError} for a bottleneck adapter that was trained with dropout. */
function refuseDropout({ config }: PeftAdapter, from: string): void {
  const { dropout } = config["config"] as { readonly dropout?: unknown };
  if (dropout === 0) return;
  throw new ConfigError(
    `adapter.from: found ${from} with a dropout of ${dropout}, which is not built for bottleneck ` +
      "adapters, wanted 0",
  );
}

/** What came with the numbers of a prompt, of which its file says no more. */
const GONE = {
  prompt_tuning_init_text: "its own start",
  encoder_hidden_size: "no encoder",
  prefix_projection: "no encoder",
};

/** @throws {ConfigError} where the options ask for another prompt. */
function refuseOtherPrompt({ from, ...options }: Continuing, saved: Settings): void {
  for (const [key, found] of Object.entries({ ...saved, ...GONE })) {
    const asked = options[key as Setting];
    if (asked === undefined || asked === found) continue;
    const has = key in GONE ? found : JSON.stringify(found);
    throw new ConfigError(
      `adapter.${key}: found ${JSON.stringify(asked)}, but the adapter in ${from} has ${has}, ` +
        "wanted the same or none",
    );
  }
}

/** Where a module has another rank or alpha than the options give it. */
function otherNumber(what: "rank" | "alpha", { modules }: PeftAdapter, options: Continuing) {
  const patterns = options[`${what}_pattern`] ?? {};
  const odd = modules.find((module) =>
    (matching(module.module, patterns) ?? options[what]) !== module[what]
  );
  if (odd === undefined) return null;
  const asked = matching(odd.module, patterns);
  const key = asked === undefined ? what : `${what}_pattern`;
  return { key, asked: asked ?? options[what], found: odd[what] };
}
