/**
 * The registry of model families.
 *
 * @module
 */
import { FileError } from "../errors.ts";
import { llama } from "./llama.ts";
import type { Family } from "./net.ts";

const FAMILIES: readonly Family[] = [llama as unknown as Family];

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
