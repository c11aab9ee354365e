/**
 * The registry of model families.
 *
 * @module
 */
import { FileError } from "../errors.ts";
import { gemma } from "./gemma.ts";
import { gemma2 } from "./gemma2.ts";
import { gemma3Text } from "./gemma3_text.ts";
import { gptNeox } from "./gpt_neox.ts";
import { gpt2 } from "./gpt2.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import type { Family } from "./net.ts";
import { olmo2 } from "./olmo2.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { smollm3 } from "./smollm3.ts";
import { starcoder2 } from "./starcoder2.ts";
import type { Stored } from "./stored.ts";

const FAMILIES = [
  gemma,
  gemma2,
  gemma3Text,
  gpt2,
  gptNeox,
  llama,
  mistral,
  olmo2,
  phi3,
  qwen2,
  qwen3,
  smollm3,
  starcoder2,
] as readonly unknown[] as readonly Family[];

/** How checkpoints of a `model_type` lie; as they usually do where the type is not built. */
export function storedOf(modelType: unknown): Stored {
  return FAMILIES.find(({ modelTypes }) => modelTypes.includes(String(modelType)))?.stored ?? {};
}

/**
 * The family of a `model_type`.
 *
 * @throws {FileError} for a type that is not built.
 */
export function familyOf(modelType: unknown, file: string): Family {
  const family = FAMILIES.find(({ modelTypes }) => modelTypes.includes(String(modelType)));
  if (family) return family;
  const known = FAMILIES.flatMap(({ modelTypes }) => modelTypes).join(", ");
  throw new FileError(`${file}: "model_type" is ${JSON.stringify(modelType)}, known are ${known}`);
}
