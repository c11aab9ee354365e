/**
 * The list of adapter methods.
 *
 * @module
 */
import { bottleneckOf, isOfAdapterHub, KINDS } from "../peft/adapter_hub_config.ts";
import { bottleneck } from "./bottleneck.ts";
import { DORA } from "./dora.ts";
import { IA3 } from "./ia3.ts";
import { LORA } from "./lora.ts";
import { PROMPT_METHOD_NAMES, type PromptMethodName, promptMethodOf } from "../prompts/mod.ts";
import type { AdapterMethod } from "./method.ts";
import { VERA } from "./vera.ts";

export { LORA } from "./lora.ts";
export type { AdaptedModule, AdapterMethod, Change, HeldKey, Key, Numbers } from "./method.ts";

/** The methods, by the names that `adapter.method` has for them. */
export const METHODS: Readonly<Record<ModuleMethodName, AdapterMethod>> = {
  lora: LORA,
  dora: DORA,
  ia3: IA3,
  vera: VERA,
  bottleneck: bottleneck(bottleneckOf({ config: KINDS.seq_bn })),
};

/** What `adapter.method` may be where modules are changed. */
export type ModuleMethodName = "lora" | "dora" | "ia3" | "vera" | "bottleneck";

/** What `adapter.method` may be. */
export type MethodName = ModuleMethodName | PromptMethodName;

export const METHOD_NAMES: readonly MethodName[] = [
  ...Object.keys(METHODS) as ModuleMethodName[],
  ...PROMPT_METHOD_NAMES,
];

/** Whether what a method trains are the two factors of an update, and perhaps more. */
export const hasFactors = ({ linearNames }: AdapterMethod): boolean => "a" in linearNames;

/** Whether two factors are at work, trained or held, so that there is a rank. */
export const hasRank = ({ linearNames, heldNames }: AdapterMethod): boolean =>
  "a" in { ...linearNames, ...heldNames };

/** What the method of PEFT's config is called. */
export const nameOfMethod = (config: Readonly<Record<string, unknown>>): MethodName =>
  (promptMethodOf(config) ?? methodOf(config)).name as MethodName;

/** The method that PEFT's config is of, where it changes modules. */
export function methodOf(config: Readonly<Record<string, unknown>>): AdapterMethod {
  if (isOfAdapterHub(config)) return bottleneck(bottleneckOf(config));
  const methods = Object.values(METHODS);
  return methods.find(({ peftType }) =>
    peftType !== undefined && config["peft_type"] === peftType
  ) ??
    methods.find(({ field }) => field !== undefined && config[field] === true) ?? LORA;
}
