/**
 * The list of prompt methods.
 *
 * @module
 */
import type { PromptMethod } from "./method.ts";
import { P_TUNING } from "./p_tuning.ts";
import { PREFIX_TUNING } from "./prefix_tuning.ts";
import { PROMPT_TUNING } from "./prompt_tuning.ts";

/** What `adapter.method` may be where virtual tokens are trained. */
export type PromptMethodName = "prompt_tuning" | "p_tuning" | "prefix_tuning";

/** The methods, by the names that `adapter.method` has for them. */
export const PROMPT_METHODS: Readonly<Record<PromptMethodName, PromptMethod>> = {
  prompt_tuning: PROMPT_TUNING,
  p_tuning: P_TUNING,
  prefix_tuning: PREFIX_TUNING,
};

export const PROMPT_METHOD_NAMES: readonly PromptMethodName[] = Object.keys(
  PROMPT_METHODS,
) as PromptMethodName[];

/** Whether a method trains virtual tokens rather than modules. */
export const isPromptMethod = (name: string | undefined): name is PromptMethodName =>
  name !== undefined && Object.hasOwn(PROMPT_METHODS, name);

/** The method that PEFT's config is of; undefined for one that changes modules. */
export const promptMethodOf = (
  { peft_type }: Readonly<Record<string, unknown>>,
): PromptMethod | undefined =>
  Object.values(PROMPT_METHODS).find(({ peftType }) => peftType === peft_type);
