/**
 * `model.safetensors.index.json`: which shard holds which tensor.
 *
 * @module
 */
import { dirname, isAbsolute, join } from "node:path";
import { FileError } from "../errors.ts";
import { isObject, kindOf, readJsonObject } from "./files.ts";
import { isBelow } from "./inside.ts";

/**
 * The shard that holds each tensor, by its path in the folder of the index; whether it is there is
 * not looked at.
 *
 * @throws {FileError} If the index is damaged or names a file outside the folder.
 */
export function readWeightIndex(index: string): Map<string, string> {
  const { weight_map: weightMap } = readJsonObject(index);
  if (!isObject(weightMap) || Object.keys(weightMap).length === 0) {
    const found = isObject(weightMap) ? "an empty one" : kindOf(weightMap);
    throw new FileError(
      `Cannot read ${index}: weight_map must map tensors to files, found ${found}`,
    );
  }
  const folder = dirname(index);
  for (const shard of new Set(Object.values(weightMap))) {
    const isInside = typeof shard === "string" && !isAbsolute(shard) &&
      isBelow(folder, join(folder, shard));
    if (isInside && !shard.includes("\\")) continue;
    const found = JSON.stringify(shard);
    throw new FileError(`Cannot read ${index}: shard ${found} is not a path inside the folder`);
  }
  return new Map(Object.entries(weightMap) as [string, string][]);
}
