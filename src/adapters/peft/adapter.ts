/**
 * An adapter in memory, as PEFT describes it.
 *
 * @module
 */

import type { Dtype } from "../../io/safetensors/safetensors.ts";

/**
 * What is trained of one module: two low-rank factors (empty, and rank and alpha 0, with a method
 * that has none), and more by the method. Linear: y = x Wᵀ + scale (x Aᵀ) Bᵀ. A table of rows, such
 * as the embedding: row i of E is E[i] + scale B A[:, i], so that the rows count as inputs.
 */
export interface LoraWeights {
  /** Path of the module in the base model, such as `model.layers.0.self_attn.q_proj`. */
  readonly module: string;
  /** Whether the module is a table of rows; linear by default. */
  readonly isTable?: boolean;
  /** Number of rows of A and columns of B. */
  readonly rank: number;
  /** What the scale is computed from. */
  readonly alpha: number;
  /** alpha / rank, or alpha / sqrt(rank) with rsLoRA. */
  readonly scale: number;
  /** A, row-major [rank, inFeatures]. */
  readonly a: Float32Array;
  /** B, row-major [outFeatures, rank]. */
  readonly b: Float32Array;
  /** With DoRA: what the rows of W + scale B A are scaled to the length of, [outFeatures]. */
  readonly magnitude?: Float32Array;
  /** With VeRA, whose A and B are those of all modules: what its outputs are multiplied by, [out]. */
  readonly lambdaB?: Float32Array;
  /** With VeRA: what its components are multiplied by, [rank]. */
  readonly lambdaD?: Float32Array;
  /** With (IA)^3: what its outputs, or of a feed-forward module its inputs, are multiplied by. */
  readonly scales?: Float32Array;
  /** With (IA)^3: whether it is a feed-forward module. */
  readonly isFeedForward?: boolean;
  /** With bottleneck adapters: the first of their layers, [rank, outFeatures]. */
  readonly down?: Float32Array;
  /** Its bias, [rank]. */
  readonly downBias?: Float32Array;
  /** The second, [outFeatures, rank]. */
  readonly up?: Float32Array;
  /** Its bias, [outFeatures]. */
  readonly upBias?: Float32Array;
  /** Columns of the module's weight; of a table the rows. 0 where (IA)^3 or VeRA does not tell. */
  readonly inFeatures: number;
  /** Rows of the module's weight; of a table the columns. 0 where (IA)^3 does not tell. */
  readonly outFeatures: number;
}

/** A tensor that an adapter has whole: of a module to save, or a bias. */
export interface WholeTensor {
  /** As the base model calls it, such as `lm_head.weight`. */
  readonly name: string;
  /** As the base stores it. */
  readonly shape: readonly number[];
  /** Row-major. */
  readonly numbers: Float32Array;
  /** The element type in the file that it was read from. */
  readonly dtype?: Dtype;
}

/** Rows of an embedding or a head that are trained by themselves. */
export interface TokenRows {
  /** Path of the module in the base model, such as `model.embed_tokens`. */
  readonly module: string;
  /** The tokens whose rows they are. */
  readonly ids: readonly number[];
  /** Row-major [ids, width]. */
  readonly numbers: Float32Array;
}

/** Virtual tokens in front of every document. */
export interface PromptRows {
  /** How many there are. */
  readonly tokens: number;
  /**
   * PEFT's `prompt_embeddings`, row-major [tokens, width]: embeddings, or of prefix tuning the key and
   * the value of each layer one after another.
   */
  readonly numbers: Float32Array;
}

/** A LoRA adapter: its settings and the factors of every module that it adapts. */
export interface PeftAdapter {
  /** Name or path of the base model, empty if the adapter does not say. */
  readonly baseModel: string;
  /** The rank of modules that have none of their own. */
  readonly rank: number;
  /** The alpha of modules that have none of their own. */
  readonly alpha: number;
  /** Names of modules or ends of them, such as `q_proj`. */
  readonly targetModules: readonly string[];
  /** Whether a module's scale is alpha / sqrt(rank) instead of alpha / rank. */
  readonly rslora: boolean;
  /** Every adapted module, in the order of the file. */
  readonly modules: readonly LoraWeights[];
  /** Tensors that stand in place of the base's; none by default. */
  readonly whole?: readonly WholeTensor[];
  /** Tokens whose rows stand in place of the base's; none by default. */
  readonly tokens?: readonly TokenRows[];
  /** Virtual tokens; then there are no modules. */
  readonly prompt?: PromptRows;
  /** The base's own tables, which PEFT writes beside their low-rank updates; read, never written. */
  readonly carried?: readonly WholeTensor[];
  /**
   * Embedding and head that PEFT writes beside the factors of itself, where the base's vocabulary was
   * resized; none by default.
   */
  readonly tables?: readonly WholeTensor[];
  /** `adapter_config.json` as read; on writing, its further fields are kept. */
  readonly config: Readonly<Record<string, unknown>>;
}
