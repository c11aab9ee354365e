/**
 * The keys of an adapter's initial values.
 *
 * @module
 */
import { INIT_NAMES, INIT_TEXTS, type InitName, isMeasured } from "../adapters/init/mod.ts";
import { z } from "../deps/zod.ts";
import type { ConfigFault } from "./faults.ts";
import { count } from "./kinds.ts";
import type { Config } from "./table.ts";

/** What an adapter starts from. */
export interface InitConfig {
  /** The initial values; those of the method where absent. */
  readonly init?: InitName;
  /** Tokens of text that initial values are taken from; by the width of inputs where absent. */
  readonly init_tokens?: number;
  /** The most times its rank that a module may have once EVA has shared them out. */
  readonly init_rho: number;
  /** Whether EVA divides each direction by the root of its singular value. */
  readonly init_whiten: boolean;
}

/** Their checks. */
export const initial = {
  init: z.union([z.enum(INIT_NAMES), z.templateLiteral(["pissa_niter_", z.int().min(0).max(999)])])
    .exactOptional().describe(
      "initial values from the base's weights, as PEFT's init_lora_weights, eva and corda also from " +
        "what modules read; pissa_niter_N takes N iterations; random when absent",
    ),
  init_tokens: count.exactOptional().describe(
    "tokens of text that eva and corda read; 128 for each column of the narrowest input when absent",
  ),
  init_rho: z.number().gte(1).default(2)
    .describe("with eva, how many times its rank a module may come to have; 1 shares out none"),
  init_whiten: z.boolean().default(false)
    .describe(
      "with eva, divide each direction by the root of its singular value, as PEFT's whiten",
    ),
};

/** What initial values that are measured cannot be had beside. */
export function initFaults({ adapter: { init }, guard, distributed }: Config): ConfigFault[] {
  if (!isMeasured(init)) return [];
  const key = "adapter.init";
  return [
    ...(INIT_TEXTS[init] === "retention" && !guard
      ? [{ key, message: `found ${init} without a guard, whose retention text it reads` }]
      : []),
    ...(distributed
      ? [{
        key,
        message: `found ${init} beside distributed ${distributed}, wanted one process: ranks on ` +
          "different devices would measure different values",
      }]
      : []),
  ];
}
