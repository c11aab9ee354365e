/**
 * Keys of single adapter methods.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import {
  type BottleneckKind,
  type BottleneckOptions,
  KINDS,
  NON_LINEARITIES,
} from "../adapters/peft/adapter_hub_config.ts";
import { name, pattern, positive } from "./kinds.ts";

/** By the methods that heed them. */
export interface MethodKeys extends BottleneckOptions {
  /** With (IA)^3: the modules whose inputs it scales. */
  readonly feedforward_modules?: string | readonly string[];
}

export const methodKeys = {
  feedforward_modules: z.union([z.array(name), pattern]).exactOptional().describe(
    "with ia3, targets whose inputs are scaled, not outputs; when absent the last of a feed-forward layer",
  ),
  bottleneck: z.enum(Object.keys(KINDS) as BottleneckKind[]).exactOptional().describe(
    "with bottleneck, AdapterHub's name of what is where: seq_bn is Pfeiffer's, double_seq_bn Houlsby's, " +
      "par_bn the parallel one; seq_bn when absent",
  ),
  reduction_factor: positive.exactOptional().describe(
    "with bottleneck, the width of the model over that of the adapters; 16 when absent, of par_bn 2",
  ),
  non_linearity: z.enum(Object.keys(NON_LINEARITIES)).exactOptional().describe(
    "with bottleneck, what lies between the two layers; relu when absent, of double_seq_bn swish",
  ),
};
