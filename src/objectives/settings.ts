/**
 * The settings of objectives, as the section `objective` of a configuration has them.
 *
 * @module
 */
import type { ReferenceLossName } from "./preference/losses/mod.ts";
import type { ReferenceSettings } from "./preference/losses/loss.ts";
import type { UnpairedLossName } from "./unpaired/losses.ts";

/** Supervised fine-tuning. */
export interface SftConfig {
  /** Its name. */
  readonly kind: "sft";
}

/** Beside a loss of preferences. */
export interface BesideLikelihood {
  /** What the mean negative log-likelihood of a token of the chosen answers counts. */
  readonly sft_weight: number;
}

/** Learning from preferences, beside the base as reference. */
export interface DpoConfig extends ReferenceSettings, BesideLikelihood {
  /** Its name. */
  readonly kind: "dpo";
  /** What a preference costs. */
  readonly loss: ReferenceLossName;
}

/** Contrastive preference optimisation. */
export interface CpoConfig extends BesideLikelihood {
  /** Its name. */
  readonly kind: "cpo";
  /** What a nat of an answer's likelihood is worth. */
  readonly beta: number;
  /** The share of preferences that are taken to be the wrong way round, below 1/2. */
  readonly label_smoothing: number;
}

/** Simple preference optimisation. */
export interface SimpoConfig extends BesideLikelihood {
  /** Its name. */
  readonly kind: "simpo";
  /** What a nat a token is worth. */
  readonly beta: number;
  /** The difference of rewards that is wanted. */
  readonly gamma: number;
  /** The share of preferences that are taken to be the wrong way round, below 1/2. */
  readonly label_smoothing: number;
}

/** Odds ratio preference optimisation. */
export interface OrpoConfig {
  /** Its name. */
  readonly kind: "orpo";
  /** What the odds ratio counts beside the likelihood of the chosen answers. */
  readonly beta: number;
}

/** Learning from answers that are wanted and answers that are not. */
export interface KtoConfig {
  /** Its name. */
  readonly kind: "kto";
  /** How much the distance from the base costs. */
  readonly beta: number;
  /** What an answer costs. */
  readonly loss: UnpairedLossName;
  /** What an answer that is wanted counts. */
  readonly desirable_weight: number;
  /** What one counts that is not. */
  readonly undesirable_weight: number;
}

/** Learning to tell classes of texts. */
export interface ClassifyConfig {
  /** Its name. */
  readonly kind: "classify";
  /** The names of the classes, in the order of their scores. */
  readonly labels: readonly string[];
}

/** Learning a reward from comparisons of answers. */
export interface RewardConfig {
  /** Its name. */
  readonly kind: "reward";
  /** What the mean of the squared sums of two rewards counts, which holds their mean near 0. */
  readonly centring: number;
}

/** Learning to score documents. */
export type ScoreConfig = ClassifyConfig | RewardConfig;

/** Learning from preferences. */
export type PreferenceConfig = DpoConfig | CpoConfig | SimpoConfig | OrpoConfig;

/** What updates minimise. */
export type ObjectiveConfig = SftConfig | PreferenceConfig | KtoConfig | ScoreConfig;

/** Which moment of a run is kept, and when it ends early; keys of the section `train`. */
export interface KeepConfig {
  /** What is saved: the best moment that was measured, or the last. */
  readonly keep: "best" | "last";
  /** Measurements without a better one after which the run ends; it goes to its end where absent. */
  readonly patience?: number;
  /** What a value must be better by than the best before it. */
  readonly min_delta: number;
  /** The field that moments are compared by: `eval_loss`, `task/NAME/METRIC`, ... */
  readonly metric: string;
}
