/**
 * The factors of a module as its weight lies in a checkpoint.
 *
 * @module
 */
import { type Tensors, transpose } from "../models/stored.ts";
import type { LoraWeights } from "./peft/adapter.ts";

/**
 * The module by the checkpoint's own name. Where its weight is [in, out] (PEFT's `fan_in_fan_out`),
 * as a table is, the delta is turned too: (B A)^T = A^T B^T.
 */
export function asStored(tensors: Tensors, weights: LoraWeights): LoraWeights {
  const { module, isTable = false, rank, a, b, inFeatures, outFeatures } = weights;
  const name = `${module}.weight`;
  const named = { ...weights, module: tensors.nameOf(name).replace(/\.weight$/, "") };
  if (!isTable && !tensors.isTransposed(name)) return named;
  return {
    ...named,
    a: transpose(b, [outFeatures, rank]),
    b: transpose(a, [rank, inFeatures]),
    inFeatures: outFeatures,
    outFeatures: inFeatures,
  };
}
