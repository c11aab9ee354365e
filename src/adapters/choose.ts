/**
 * Which modules of a model a fresh adapter changes.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import type { Modules } from "../models/model.ts";
import {
  hasPattern,
  inLayers,
  type Names,
  names,
  type Selection,
  selects,
} from "./peft/targets.ts";

/** Modules that can be adapted. */
export type Adaptable = Pick<Modules, "linear" | "tables">;

/** Which modules, and whose rank and alpha differ. */
export interface Choice extends Selection {
  /** Ranks of modules that a pattern matches, the first one first. */
  readonly rank_pattern?: Readonly<Record<string, number>>;
  readonly alpha_pattern?: Readonly<Record<string, number>>;
}

/** How a module of the model lies; undefined where there is none. */
export function sizesOf({ linear, tables }: Adaptable, name: string) {
  const [outFeatures, inFeatures] = linear.get(name) ?? tables.get(name)?.toReversed() ?? [];
  if (outFeatures === undefined || inFeatures === undefined) return undefined;
  return { isTable: tables.has(name), outFeatures, inFeatures };
}

/**
 * The modules that the options choose; a name or a pattern that matches none is refused, since it
 * would be a slip.
 */
export function chooseModules({ linear, tables }: Adaptable, options: Choice): string[] {
  const all = [...linear.keys(), ...tables.keys()];
  const { targets, exclude = [], rank_pattern, alpha_pattern } = options;
  if (typeof targets === "string" && targets !== "all-linear" && options.layers !== undefined) {
    throw new ConfigError(
      `adapter.layers: found [${options.layers}] beside the pattern "${targets}" in adapter.targets, ` +
        "which says itself which layers it means, wanted one of the two",
    );
  }
  const each = (list: Names) => typeof list === "string" ? [list] : list.map((name) => [name]);
  for (const target of targets === "all-linear" ? [] : each(targets)) {
    if (!all.some((name) => names(target, name))) throw unmatched("targets", target, all);
  }
  for (const target of each(exclude)) {
    if (!all.some((name) => names(target, name))) throw unmatched("exclude", target, all);
  }
  const candidates = targets === "all-linear"
    ? [...linear.keys()].filter((name) => inLayers(name, options))
    : all;
  const chosen = candidates.filter((name) => selects(name, options));
  if (chosen.length === 0) {
    throw new ConfigError(
      "adapter.layers, adapter.exclude and adapter.modules_to_save leave no module",
    );
  }
  for (const [key, patterns] of Object.entries({ rank_pattern, alpha_pattern })) {
    for (const pattern of Object.keys(patterns ?? {})) {
      const found = chosen.some((name) => hasPattern(pattern, name));
      if (!found) throw unmatched(key, pattern, chosen);
    }
  }
  return chosen;
}

/** A name that matches none of the modules. */
export function unmatched(key: string, target: Names, modules: readonly string[]): ConfigError {
  const kinds = [...new Set(modules.map((name) => name.split(".").at(-1)))].join(", ");
  return new ConfigError(`adapter.${key} has "${target}", the model has ${kinds}`);
}
