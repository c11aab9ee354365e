/**
 * Which modules an adapter changes, and with what rank and alpha, by PEFT's rules (PEFT 0.21,
 * `check_target_module_exists` and `get_pattern_key`).
 *
 * @module
 */
import { matches } from "../../io/pattern.ts";

/** Names of modules or ends of them, such as `q_proj`; or a pattern of whole names. */
export type Names = string | readonly string[];

/** How modules are chosen. */
export interface Selection {
  /** `all-linear` takes every one but the output head. */
  readonly targets: Names;
  /** Wins over the targets. */
  readonly exclude?: Names | undefined;
  /** Numbers of layers, where targets that are ends of names count; all layers by default. */
  readonly layers?: number | readonly number[] | undefined;
  /** What stands before the number of a layer, such as `layers`; anything by default. */
  readonly layersPattern?: Names | undefined;
  /** Modules that are saved whole; they and what is inside them are no targets. */
  readonly saved?: readonly string[] | undefined;
}

/**
 * Whether `module` is chosen. A whole name among the targets counts in every layer, and so does what
 * a pattern matches.
 *
 * @throws {SyntaxError} for a pattern that is no regular expression.
 */
export function selects(module: string, selection: Selection): boolean {
  const { targets, exclude, saved = [] } = selection;
  if (exclude !== undefined && names(exclude, module)) return false;
  if (saved.some((name) => matches(`^(?:.*\\.)?(?:${name})(?:\\..*)?$`, module))) {
    return false;
  }
  if (targets === "all-linear") return module !== "lm_head";
  if (typeof targets === "string" || targets.includes(module)) return names(targets, module);
  return names(targets, module) && inLayers(module, selection);
}

/** Whether a module lies in one of the layers. */
export function inLayers(module: string, { layers, layersPattern }: Partial<Selection>): boolean {
  const wanted = typeof layers === "number" ? [layers] : layers ?? [];
  return wanted.length === 0 || wanted.includes(layerOf(module, layersPattern));
}

/** Whether a list has the module or an end of it, or a pattern matches its whole name. */
export function names(list: Names, module: string): boolean {
  if (typeof list === "string") return matches(`^(?:${list})$`, module);
  return list.some((name) => module === name || module.endsWith(`.${name}`));
}

/**
 * Whether `modules_to_save` has a tensor: the name of a module around it ends as one of the list
 * does, not only in whole words (PEFT's `_set_trainable`).
 */
export function saves(list: readonly string[], tensor: string): boolean {
  const words = tensor.split(".").slice(0, -1);
  const around = words.map((_, i) => words.slice(0, i + 1).join("."));
  return around.some((module) => list.some((name) => module.endsWith(name)));
}

/** The value of the first pattern that matches the module or an end of it. */
export function matching<T>(module: string, patterns: Readonly<Record<string, T>>): T | undefined {
  const key = Object.keys(patterns).find((key) => hasPattern(key, module));
  return key === undefined ? undefined : patterns[key];
}

/** Whether a pattern matches a module or an end of it. */
export function hasPattern(key: string, module: string): boolean {
  return matches(patternOf(key), module);
}

/** What {@link hasPattern} looks for. */
export const patternOf = (key: string): string => `^(?:.*\\.)?(?:${key})$`;

/** The number of the module's layer, or NaN where it has none. */
function layerOf(module: string, pattern: Names = []): number {
  const patterns = typeof pattern === "string" ? [pattern] : pattern;
  const found = patterns.length === 0
    ? /^.*?\.[^.]*\.(\d+)\./.exec(module)?.[1]
    : patterns.map((p) => `^(?:.*?\\.)?(?:${p})\\.(\\d+)\\.`)
      .map((p) => matches(p, module) ? new RegExp(p).exec(module)?.[1] : undefined)
      .find((number) => number !== undefined);
  return Number(found ?? NaN);
}
