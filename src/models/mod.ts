/**
 * The registry of model families.
 *
 * @module
 */
import { wordOf } from "../io/json.ts";
import { join } from "node:path";
import { FileError } from "../errors.ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import { ConfigReader } from "./config.ts";
import { gemma } from "./families/gemma.ts";
import { gemma2 } from "./families/gemma2.ts";
import { gemma3Text } from "./families/gemma3_text.ts";
import { gptNeox } from "./families/gpt_neox.ts";
import { gpt2 } from "./families/gpt2.ts";
import { llama } from "./families/llama.ts";
import { mistral } from "./families/mistral.ts";
import { olmo2 } from "./families/olmo2.ts";
import { phi3 } from "./families/phi3.ts";
import { qwen2 } from "./families/qwen2.ts";
import { qwen3 } from "./families/qwen3.ts";
import { smollm3 } from "./families/smollm3.ts";
import { starcoder2 } from "./families/starcoder2.ts";
import { t5 } from "./families/t5.ts";
import type { Family } from "./layers/net.ts";
import { hasOwnHead } from "./left_over.ts";
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
  t5,
] as readonly unknown[] as readonly Family[];

/** How checkpoints of a `model_type` lie; as they usually do where the type is not built. */
export function storedOf(modelType: unknown): Stored {
  return FAMILIES.find(({ modelTypes }) => modelTypes.includes(wordOf(modelType)))?.stored ?? {};
}

/**
 * Whether embedding and head are one tensor: where config.json says so, or is silent and the family
 * does, and the files have no other head.
 *
 * @throws {FileError} where the family does not take the config.
 */
export function isTied(checkpoint: Checkpoint): boolean {
  return saysTied(checkpoint) && !hasOwnHead(checkpoint, storedOf(checkpoint.config["model_type"]));
}

/** Whether the files have a head that config.json denies. */
export function hasDeniedHead(checkpoint: Checkpoint): boolean {
  return saysTied(checkpoint) && !isTied(checkpoint);
}

function saysTied({ config, folder }: Checkpoint): boolean {
  const said = config["tie_word_embeddings"];
  const family = FAMILIES.find(({ modelTypes }) =>
    modelTypes.includes(wordOf(config["model_type"]))
  );
  if (typeof said === "boolean" || !family) return said === true;
  return family.parse(new ConfigReader(join(folder, "config.json"), config)).tied;
}

/**
 * The family of a `model_type`.
 *
 * @throws {FileError} for a type that is not built.
 */
export function familyOf(modelType: unknown, file: string): Family {
  const family = FAMILIES.find(({ modelTypes }) => modelTypes.includes(wordOf(modelType)));
  if (family) return family;
  const known = FAMILIES.flatMap(({ modelTypes }) => modelTypes).join(", ");
  throw new FileError(`${file}: "model_type" is ${JSON.stringify(modelType)}, known are ${known}`);
}
