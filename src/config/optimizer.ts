/**
 * The keys of the optimiser.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { notNegative, pattern, positive } from "./kinds.ts";

/** Optimisers, the default first. */
const OPTIMIZERS = [
  "adamw",
  "adafactor",
  "adamw_8bit",
  "lion",
  "muon",
  "sgd",
] as const satisfies readonly OptimizerName[];

/** The name of an optimiser. */
export type OptimizerName = "adafactor" | "adamw" | "adamw_8bit" | "lion" | "muon" | "sgd";

/** How gradients become updates. */
export interface OptimizerConfig {
  /** What makes updates of gradients. */
  readonly optimizer: OptimizerName;
  /** Peak learning rate. */
  readonly lr: number;
  /** The learning rate of B over that of A (LoRA+). */
  readonly lora_plus_ratio: number;
  /** Peak learning rates of modules that a pattern matches. */
  readonly lr_pattern: Readonly<Record<string, number>>;
  /** Weight decay; norms and biases have none. */
  readonly weight_decay: number;
  /** That of modules that a pattern matches. */
  readonly weight_decay_pattern: Readonly<Record<string, number>>;
  /** Decay of the first moment. */
  readonly beta1: number;
  /** Decay of the second moment; with Lion of what it keeps. */
  readonly beta2: number;
  /** Added to the root of the second moment; with Adafactor to the squares of gradients. */
  readonly eps: number;
  /** What of the last step goes on, with SGD and Muon. */
  readonly momentum: number;
  /** Whether a step looks ahead by the momentum. */
  readonly nesterov: boolean;
  /** Largest gradient norm; 0 is off. */
  readonly clip: number;
}

const decay = z.number().gte(0).lt(1);

/** The keys, of the section `train`. */
export const optimizer = {
  optimizer: z.enum(OPTIMIZERS).default(OPTIMIZERS[0])
    .describe("what makes updates of gradients"),
  lr: positive.default(2e-4).describe("peak learning rate; lion wants a third to a tenth of it"),
  lora_plus_ratio: positive.default(1)
    .describe("LoRA+: the learning rate of B, and of vectors, over that of A; its authors take 16"),
  lr_pattern: z.record(pattern, positive).default({}).describe(
    'peak learning rates of modules whose name or end a pattern matches, such as {"v_proj": 1e-4}',
  ),
  weight_decay: notNegative.default(0).describe(
    "weight decay, decoupled but with sgd; norms and biases have none",
  ),
  weight_decay_pattern: z.record(pattern, notNegative).default({})
    .describe("that of such modules, norms and biases included"),
  beta1: decay.default(0.9).describe("decay of the first moment, of adamw and lion"),
  beta2: decay.exactOptional().describe(
    "decay of the second moment, or of what lion keeps; 0.999 when absent, with lion 0.99",
  ),
  eps: z.number().gte(1e-30).lte(1).exactOptional().describe(
    "added to the root of the second moment, with adafactor to squared gradients; when absent 1e-8, " +
      "with adafactor 1e-30",
  ),
  momentum: z.number().gt(0).lt(1).exactOptional().describe(
    "what of the last step goes on; when absent 0.9 with sgd and 0.95 with muon",
  ),
  nesterov: z.boolean().exactOptional().describe(
    "whether a step looks ahead by the momentum; when absent false with sgd and true with muon",
  ),
  clip: notNegative.default(1).describe("largest gradient norm; 0 = off"),
};

/** Keys that only some optimisers heed. */
const HEEDED: Readonly<Partial<Record<keyof OptimizerConfig, readonly OptimizerName[]>>> = {
  beta1: ["adamw", "adamw_8bit", "lion"],
  beta2: ["adamw", "adamw_8bit", "lion"],
  eps: ["adafactor", "adamw", "adamw_8bit"],
  momentum: ["muon", "sgd"],
  nesterov: ["muon", "sgd"],
};

export const OPTIMIZER_KEYS = Object.keys(optimizer) as (keyof OptimizerConfig)[];

/** Whether an optimiser heeds a key. */
export const isHeeded = (key: keyof OptimizerConfig, by: OptimizerName): boolean =>
  HEEDED[key]?.includes(by) ?? true;

/** What is not set, where an optimiser has a default of its own. */
const DEFAULTS = { beta2: 0.999, eps: 1e-8, momentum: 0.9, nesterov: false };
const OWN: Readonly<Partial<Record<OptimizerName, Partial<typeof DEFAULTS>>>> = {
  adafactor: { eps: 1e-30 },
  lion: { beta2: 0.99 },
  muon: { momentum: 0.95, nesterov: true },
};

/** With the defaults that depend on the optimiser. */
export const completed = <T extends { optimizer: OptimizerName } & Partial<typeof DEFAULTS>>(
  train: T,
) => ({ ...DEFAULTS, ...OWN[train.optimizer], ...train });
