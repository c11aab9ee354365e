/**
 * Which adapters cannot be combined.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { LORA, nameOfMethod } from "../methods/mod.ts";
import type { Combined } from "./combine.ts";

/** @throws {ConfigError} for adapters that are no plain LoRA, or do not fit together. */
export function refuseUnlike(given: readonly Combined[]): void {
  for (const one of given) refuseMore(one);
  for (const { folder, adapter } of given.slice(1)) {
    for (const { module, isTable = false, inFeatures, outFeatures } of adapter.modules) {
      const { folder: before, found } = firstWith(given, module)!;
      const isAlike = (found.isTable ?? false) === isTable && found.inFeatures === inFeatures &&
        found.outFeatures === outFeatures;
      if (isAlike) continue;
      throw new ConfigError(
        `Cannot combine ${before} and ${folder}: ${module} is ` +
          `[${found.outFeatures},${found.inFeatures}] in the first and ` +
          `[${outFeatures},${inFeatures}] in the second, wanted adapters of one base`,
      );
    }
  }
}

function firstWith(given: readonly Combined[], module: string) {
  for (const { folder, adapter } of given) {
    const found = adapter.modules.find((one) => one.module === module);
    if (found) return { folder, found };
  }
  return undefined;
}

/** @throws {ConfigError} for an adapter that is more than low-rank updates. */
function refuseMore({ folder, adapter }: Combined): void {
  const name = nameOfMethod(adapter.config);
  if (name !== LORA.name) {
    throw new ConfigError(`Cannot combine ${folder}: its method is ${name}, wanted lora`);
  }
  const [rows] = adapter.tokens ?? [];
  if (rows) {
    throw new ConfigError(
      `Cannot combine ${folder}: it has rows of ${rows.module} for ${rows.ids.length} tokens, wanted ` +
        "low-rank updates alone; merge it",
    );
  }
  const [tensor] = [...adapter.whole ?? [], ...adapter.tables ?? []];
  if (!tensor) return;
  throw new ConfigError(
    `Cannot combine ${folder}: it has ${tensor.name} whole, wanted low-rank updates alone; merge it`,
  );
}
