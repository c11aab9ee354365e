/**
 * The scaling of a saved adapter: 1 is the adapter as trained, 0 the base.
 *
 * @module
 */
import type { Engine } from "../graph/compile.ts";
import type { Model } from "../models/model.ts";
import { loadStored } from "../models/weights.ts";
import { towards } from "./methods/method.ts";
import { methodOf } from "./methods/mod.ts";
import type { PeftAdapter } from "./peft/adapter.ts";
import { tokensAt } from "./trained_tokens.ts";

/**
 * The adapter at a scaling: every module as its method has it, for LoRA with every alpha multiplied
 * by it; and whole tensors go the same part of the way from the base's (as Wortsman et al., 2022,
 * arXiv 2109.01903, interpolate weights). 0 is the base, number by number.
 *
 * @throws {RangeError} for virtual tokens at a scaling between.
 */
export function atScaling(
  adapter: PeftAdapter,
  scaling: number,
  engine: Engine,
  model: Model,
): PeftAdapter {
  if (scaling === 1) return adapter;
  if (adapter.prompt) {
    if (scaling === 0) return withoutPrompt(adapter, engine, model);
    throw new RangeError(`Found a scaling of ${scaling} for virtual tokens, wanted 0 or 1`);
  }
  const { tensors: base } = model;
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

/**
 * What stands for the base, which no virtual token is: a LoRA of rank 1 on one module, all zeros, that
 * whoever loads adapters can load.
 */
function withoutPrompt(
  { baseModel, rslora, config: { task_type, revision } }: PeftAdapter,
  engine: Engine,
  model: Model,
): PeftAdapter {
  const [module, [outFeatures, inFeatures]] = [...model.modules(engine).linear][0]!;
  const sizes = { rank: 1, alpha: 0, scale: 0, inFeatures, outFeatures };
  const zeros = { a: new Float32Array(inFeatures), b: new Float32Array(outFeatures) };
  const fan_in_fan_out = model.family.stored?.transposed !== undefined;
  return {
    ...{ baseModel, rslora, rank: 1, alpha: 0, targetModules: [module] },
    modules: [{ module, ...sizes, ...zeros }],
    config: { task_type, revision, fan_in_fan_out },
  };
}
