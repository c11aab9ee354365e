/**
 * The scaling of a saved adapter: 1 is the adapter as trained, 0 the base.
 *
 * @module
 */
import type { Tensors } from "../models/stored.ts";
import { loadStored } from "../models/weights.ts";
import { towards } from "./methods/method.ts";
import { methodOf } from "./methods/mod.ts";
import type { PeftAdapter } from "./peft/adapter.ts";
import { tokensAt } from "./trained_tokens.ts";

/**
 * The adapter at a scaling: every module as its method has it, for LoRA with every alpha multiplied
 * by it; and whole tensors go the same part of the way from the base's (as Wortsman et al., 2022,
 * arXiv 2109.01903, interpolate weights), which `base` has. 0 is the base, number by number.
 */
export function atScaling(adapter: PeftAdapter, scaling: number, base: Tensors): PeftAdapter {
  if (scaling === 1) return adapter;
  if (adapter.prompt) {
    throw new RangeError(
      `Found a scaling of ${scaling} for virtual tokens, which have no strength`,
    );
  }
  const method = methodOf(adapter.config);
  return {
    ...adapter,
    whole: adapter.whole?.map((tensor) => {
      const before = loadStored(base, tensor.name);
      return { ...tensor, numbers: tensor.numbers.map((x, i) => towards(before[i]!, x, scaling)) };
    }) ?? [],
    tokens: adapter.tokens?.map((rows) => tokensAt(rows, scaling, base)) ?? [],
    alpha: adapter.alpha * scaling,
    modules: adapter.modules.map((module) => method.atScaling(module, scaling, base)),
  };
}
