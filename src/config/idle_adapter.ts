/**
 * Keys of adapters that would have no effect beside the others, and what is refused beside virtual
 * tokens.
 *
 * @module
 */
import { isMeasured } from "../adapters/init/mod.ts";
import type { MethodName } from "../adapters/methods/mod.ts";
import { isPromptMethod, PROMPT_METHOD_NAMES } from "../adapters/prompts/mod.ts";
import type { ConfigFault } from "./faults.ts";
import type { Config } from "./table.ts";

/** A key or a section, and why it would do nothing; null where it does something. */
export interface Rule {
  readonly key: string;
  /** A value that asks for nothing, and so may stand anywhere. */
  readonly off?: unknown;
  readonly idle: (config: Config) => string | null;
}

/** A reason where there is one. */
export const when = (isIdle: boolean, reason: string) => isIdle ? reason : null;

export const ADAPTER_RULES: readonly Rule[] = [
  { key: "adapter.rank", idle: withoutRank },
  ...["alpha", "rank_pattern", "alpha_pattern", "trainable_token_indices"].map((name) => ({
    key: `adapter.${name}`,
    idle: withoutFactors,
  })),
  { key: "adapter.rslora", off: false, idle: withoutFactors },
  { key: "adapter.freeze_a", off: false, idle: withoutFactors },
  { key: "adapter.dropout", off: 0, idle: withoutRank },
  { key: "adapter.bias", off: "none", idle: withoutFactors },
  ...["targets", "exclude", "layers", "modules_to_save"].map((name) => ({
    key: `adapter.${name}`,
    idle: withoutTargets,
  })),
  ...["bottleneck", "reduction_factor", "non_linearity"].map((name) => ({
    key: `adapter.${name}`,
    idle: besideOtherMethods("bottleneck"),
  })),
  { key: "train.lora_plus_ratio", off: 1, idle: withoutTargets },
  { key: "adapter.feedforward_modules", idle: besideOtherMethods("ia3") },
  { key: "adapter.num_virtual_tokens", idle: besideOtherMethods(...PROMPT_METHOD_NAMES) },
  { key: "adapter.prompt_tuning_init_text", idle: besideOtherMethods("prompt_tuning") },
  { key: "adapter.prefix_projection", off: false, idle: besideOtherMethods("prefix_tuning") },
  {
    key: "adapter.encoder_hidden_size",
    idle: (config) =>
      besideOtherMethods("p_tuning", "prefix_tuning")(config) ??
        when(
          config.adapter.method === "prefix_tuning" && !config.adapter.prefix_projection,
          "without adapter.prefix_projection",
        ),
  },
  {
    key: "adapter.init",
    idle: (config) =>
      besidePrompt(config) ??
        when(config.adapter.from !== undefined, "beside adapter.from, which has its own"),
  },
  {
    key: "adapter.init_tokens",
    idle: ({ adapter: { init } }) =>
      when(!isMeasured(init), "without adapter.init eva, corda_ipm or corda_kpm"),
  },
  {
    key: "adapter.init_rho",
    off: 2,
    idle: withoutEva,
  },
  { key: "adapter.init_whiten", off: false, idle: withoutEva },
];

function withoutEva({ adapter: { init } }: Config): string | null {
  return when(init !== "eva", "without adapter.init eva");
}

/** VeRA trains none of its two factors. */
function withoutFactors(config: Config): string | null {
  return when(config.adapter.method === "vera", "beside adapter.method vera") ??
    withoutRank(config);
}

/** (IA)^3, bottleneck adapters and prompts have no two factors of an update. */
function withoutRank(config: Config): string | null {
  return when(config.adapter.method === "ia3", "beside adapter.method ia3") ??
    withoutTargets(config);
}

/** Bottleneck adapters have places of their own. */
function withoutTargets(config: Config): string | null {
  return when(config.adapter.method === "bottleneck", "beside adapter.method bottleneck") ??
    besidePrompt(config);
}

/** Virtual tokens change no module. */
export function besidePrompt({ adapter: { method } }: Config): string | null {
  return when(isPromptMethod(method), `beside adapter.method ${method}`);
}

function besideOtherMethods(...heeding: readonly MethodName[]): Rule["idle"] {
  return ({ adapter: { method = "lora", from } }) =>
    when(!heeding.includes(method) && from === undefined, `beside adapter.method ${method}`);
}

/** Objectives that train or ask a head beside the tokens, or a teacher that knows none of them. */
const WITHOUT_PROMPTS: readonly string[] = ["classify", "reward", "ppo", "gkd"];

/** What is not built for virtual tokens. */
export function promptFaults(
  { adapter: { method }, objective: { kind } }: Config,
): ConfigFault[] {
  if (!isPromptMethod(method)) return [];
  if (!WITHOUT_PROMPTS.includes(kind)) return [];
  const message = `found ${kind} beside adapter.method ${method}, wanted another`;
  return [{ key: "objective.kind", message }];
}
