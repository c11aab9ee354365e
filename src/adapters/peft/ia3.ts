/**
 * (IA)^3 in PEFT's folders: its config, and the numbers of a module (PEFT's `IA3Config`, `IA3Layer`).
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import type { SafetensorsFile, TensorInfo } from "../../io/safetensors/safetensors.ts";
import type { LoraWeights, PeftAdapter } from "./adapter.ts";
import { type Names, names } from "./targets.ts";

/** Fields of a config beside those of every kind of adapter. */
export const IA3_FIELDS: readonly string[] = [
  "fan_in_fan_out",
  "feedforward_modules",
  "init_ia3_weights",
];

/** Whether PEFT scales a module's inputs: any end of its name counts, not only whole words. */
export function isFeedForward(module: string, list: Names | null | undefined): boolean {
  if (typeof list === "string") return names(list, module);
  return (list ?? []).some((end) => module.endsWith(end));
}

/**
 * The sizes of a module by its one tensor, [out, 1], or [1, in] of a feed-forward module; what it does
 * not tell is 0.
 *
 * @throws {FileError} where it has another shape.
 */
export function ia3Sizes(
  { path }: SafetensorsFile,
  { name, shape }: TensorInfo,
  isInput: boolean,
): Pick<LoraWeights, "inFeatures" | "outFeatures" | "isFeedForward"> {
  const [rows = 0, columns = 0] = shape;
  const isFit = shape.length === 2 && (isInput ? rows : columns) === 1;
  if (isFit) {
    return isInput
      ? { inFeatures: columns, outFeatures: 0, isFeedForward: true }
      : { inFeatures: 0, outFeatures: rows };
  }
  throw new FileError(
    `Cannot use ${path}: tensor "${name}" has shape [${shape}], wanted ` +
      (isInput ? "[1, inputs] of a feed-forward module" : "[outputs, 1]"),
  );
}

/**
 * Targets and feed-forward modules as PEFT wants them: the second among the first. Where an end of
 * names means modules of both kinds, all are named whole.
 */
export function ia3Targets({ modules, targetModules }: PeftAdapter) {
  const isMixed = targetModules.some((target) => {
    const kinds = modules.filter(({ module }) => names([target], module))
      .map(({ isFeedForward = false }) => isFeedForward);
    return new Set(kinds).size > 1;
  });
  const targets = isMixed ? modules.map(({ module }) => module) : targetModules;
  const scaled = modules.filter(({ isFeedForward }) => isFeedForward);
  const feedforward = targets.filter((target) =>
    scaled.some(({ module }) => names([target], module))
  );
  return { target_modules: [...targets].sort(), feedforward_modules: [...feedforward].sort() };
}
