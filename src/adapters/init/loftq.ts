/**
 * LoftQ: an adapter starts as the largest singular values of what rounding took from its weight (Li et
 * al., 2023, arXiv 2310.08659).
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { LORA } from "../methods/lora.ts";
import { singular } from "./decompose.ts";
import { type Factors, factorsOf, type Init, roundingOf } from "./init.ts";

/**
 * W - Q = U S V^T for a weight W and what it was rounded to, of whose first `rank` components
 * B = U sqrt(S / scale) and A = sqrt(S / scale) V^T: one iteration, PEFT's default. More would round
 * another matrix than W, which no adapter of the rounded base could make up for.
 *
 * @throws {ConfigError} where nothing was rounded.
 */
export const LOFTQ: Init = {
  isOfBase: false,
  factors(module, seed, base) {
    if (base.quantize === undefined) {
      throw new ConfigError("adapter.init: found loftq on a base as it is stored, wanted quantize");
    }
    const lost = roundingOf(base, module.name);
    if (lost.max() === 0 && lost.min() === 0) return LORA.fresh(module, seed, base) as Factors;
    const { u, values, vt } = singular(lost, module.rank);
    return factorsOf(u, vt, (component) => Math.sqrt(values[component]! / module.scale));
  },
};
