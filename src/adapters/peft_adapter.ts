/**
 * A LoRA adapter in memory, as PEFT describes it.
 *
 * @module
 */

/** The two low-rank factors of one linear module: y = x Wᵀ + scale (x Aᵀ) Bᵀ. */
export interface LoraWeights {
  /** Path of the module in the base model, such as `model.layers.0.self_attn.q_proj`. */
  readonly module: string;
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
  /** Columns of the module's weight. */
  readonly inFeatures: number;
  /** Rows of the module's weight. */
  readonly outFeatures: number;
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
  /** `adapter_config.json` as read; on writing, its further fields are kept. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * The adapter at a strength: every alpha is multiplied by it, no tensor changes. 0 is the base.
 */
export function atStrength(adapter: PeftAdapter, strength: number): PeftAdapter {
  if (strength === 1) return adapter;
  return {
    ...adapter,
    alpha: adapter.alpha * strength,
    modules: adapter.modules.map((module) => ({
      ...module,
      alpha: module.alpha * strength,
      scale: module.scale * strength,
    })),
  };
}
