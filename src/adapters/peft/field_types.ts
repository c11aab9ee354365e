/**
 * What the fields of `adapter_config.json` may hold.
 *
 * @module
 */
import { isObject } from "../../io/files.ts";
import { patternOf } from "./targets.ts";

/** Which biases are trained: none, every one, or those of the modules with low-rank factors. */
export type Bias = "none" | "all" | "lora_only";

export const BIASES = ["none", "all", "lora_only"] as const satisfies readonly Bias[];

/** What a field may hold. */
export interface Type {
  readonly wanted: string;
  readonly accepts: (value: unknown) => boolean;
}

export const FLAG: Type = {
  wanted: "true or false",
  accepts: (value) => value === undefined || typeof value === "boolean",
};

/** By the names of the fields. */
export const TYPES: Readonly<Record<string, Type>> = {
  r: { wanted: "a whole number above 0", accepts: isRank },
  lora_alpha: { wanted: "a number", accepts: Number.isFinite },
  lora_dropout: {
    wanted: "a number from 0 to below 1",
    accepts: (value) => typeof value === "number" && value >= 0 && value < 1,
  },
  use_rslora: FLAG,
  rank_pattern: {
    wanted: "an object of patterns with whole numbers above 0",
    accepts: (value) => isPattern(value, isRank),
  },
  alpha_pattern: {
    wanted: "an object of patterns with numbers",
    accepts: (value) => isPattern(value, Number.isFinite),
  },
  bias: {
    wanted: BIASES.map((name) => `"${name}"`).join(", "),
    accepts: (value) => (BIASES as readonly unknown[]).includes(value),
  },
  modules_to_save: {
    wanted: "a list of module names",
    accepts: (value) => isNames(value) && typeof value !== "string",
  },
  trainable_token_indices: {
    wanted: "a list of token ids, or an object of such lists by modules",
    accepts: (value) =>
      value === undefined || isIds(value) || (isObject(value) && Object.values(value).every(isIds)),
  },
  feedforward_modules: { wanted: "a list of module names or a pattern", accepts: isNames },
  target_modules: { wanted: "a list of module names or a pattern", accepts: isNames },
  exclude_modules: { wanted: "a list of module names or a pattern", accepts: isNames },
  layers_pattern: { wanted: "a list of names or a pattern", accepts: isNames },
  layers_to_transform: {
    wanted: "a whole number or a list of them",
    accepts: (value) =>
      value === undefined ||
      [value].flat().every((n) => Number.isSafeInteger(n) && (n as number) >= 0),
  },
  base_model_name_or_path: {
    wanted: "text",
    accepts: (value) => value === null || typeof value === "string",
  },
};

function isNames(value: unknown): boolean {
  return value === undefined || value === null || typeof value === "string" ||
    (Array.isArray(value) && value.every((name) => typeof name === "string"));
}

const isIds = (value: unknown): boolean =>
  Array.isArray(value) && value.every((id) => Number.isSafeInteger(id) && id >= 0);

function isRank(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isPattern(value: unknown, accepts: (value: unknown) => boolean): boolean {
  return isObject(value) &&
    Object.entries(value).every(([key, number]) => isRegExp(key) && accepts(number));
}

function isRegExp(key: string): boolean {
  try {
    return new RegExp(patternOf(key)) instanceof RegExp;
  } catch {
    return false;
  }
}
