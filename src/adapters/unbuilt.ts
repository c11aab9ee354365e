/**
 * What a method is not built for.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { HEAD_MODULE } from "../models/stored.ts";
import type { InitName } from "./init/mod.ts";
import { type AdaptedModule, type AdapterMethod, hasRank, LORA } from "./methods/mod.ts";

/** @throws {ConfigError} for a module of a kind that the method is not built for. */
export function refuseUnbuilt(
  { name, lowRank, tableNames }: AdapterMethod,
  modules: readonly Pick<AdaptedModule, "name" | "isTable">[],
): void {
  const found = modules.find(({ name, isTable }) =>
    isTable ? !tableNames : name === HEAD_MODULE && !lowRank
  );
  if (!found) return;
  throw new ConfigError(
    `The adapter's method is ${name}, which is built for linear layers but neither tables nor the ` +
      `output head, found ${found.name} among the targets`,
  );
}

/** @throws {ConfigError} always: a table has no such initial values. */
export function refuseTable(init: InitName, name: string): never {
  throw new ConfigError(
    `adapter.init: found "${init}" with the table ${name} among the targets, which has no such ` +
      "values, wanted none or linear modules alone",
  );
}

/** @throws {ConfigError} where nothing can drop out. */
export function refuseDropout(
  method: AdapterMethod,
  modules: ReadonlyMap<string, AdaptedModule>,
  dropout: number,
): void {
  if (!hasRank(method)) {
    throw new ConfigError(
      `adapter.dropout: found ${dropout} with ${method.name}, which has no update to drop out of, ` +
        "wanted 0",
    );
  }
  if (!modules.has(HEAD_MODULE)) return;
  throw new ConfigError(
    `adapter.dropout: found ${dropout} with ${HEAD_MODULE} among the targets, which is scored in ` +
      "chunks and cannot drop out, wanted 0",
  );
}

/** @throws {ConfigError} where B alone would not be LoRA-FA. */
export function refuseFrozenA(
  { name }: AdapterMethod,
  modules: readonly Pick<AdaptedModule, "name" | "isTable">[],
): void {
  const odd = modules.find((module) => module.isTable || module.name === HEAD_MODULE);
  if (name === LORA.name && !odd) return;
  throw new ConfigError(
    "adapter.freeze_a: found true " +
      (odd ? `with ${odd.name} among the targets` : `beside adapter.method ${name}`) +
      ", wanted it with lora on linear layers below the output head alone",
  );
}
