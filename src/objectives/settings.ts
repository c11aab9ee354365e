/**
 * The settings of objectives, as the section `objective` of a configuration has them.
 *
 * @module
 */
import type { RewardConfig as OnlineReward } from "../rewards/settings.ts";
import type { RewardScale } from "./policy/advantages.ts";
import type { Clipping } from "./policy/surrogate.ts";
import type { GrpoLoss, RatioLevel } from "./policy/update.ts";
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

/** Beside what answers are compared. */
export interface ReferenceConfig {
  /** The adapter of the reference, a folder or a name on the hub; the base alone where absent. */
  readonly reference?: string;
}

/** Learning from preferences, beside a reference. */
export interface DpoConfig extends ReferenceSettings, ReferenceConfig, BesideLikelihood {
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
export interface KtoConfig extends ReferenceConfig {
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

/** What every objective has whose answers are drawn while it trains. */
export interface SamplingConfig extends Clipping {
  /** What answers are worth. */
  readonly rewards: readonly OnlineReward[];
  /** Prompts that are drawn for an update. */
  readonly prompts: number;
  /** Answers to each of them. */
  readonly answers: number;
  /** Most tokens of an answer. */
  readonly max_tokens: number;
  /** What logits are divided by, as answers are drawn and as their likelihoods are taken. */
  readonly temperature: number;
  /** Updates that are made of the same answers. */
  readonly iterations: number;
  /** How often other prompts are drawn in place of those whose answers are all worth the same. */
  readonly resample: number;
  /** Whether answers that were cut off count nothing. */
  readonly mask_truncated: boolean;
  /** What the distance from the base costs. */
  readonly beta: number;
  /** Nats a token from the base at which a run ends. */
  readonly stop_kl?: number;
  /** Mean tokens of an answer at which a run ends. */
  readonly stop_tokens?: number;
  /** What the reward on `eval.data` may fall below its best before a run ends. */
  readonly stop_drop?: number;
}

/** Learning from rewards beside the other answers of a group. */
export interface GrpoConfig extends SamplingConfig {
  /** Its name. */
  readonly kind: "grpo";
  /** Whose mean it minimises. */
  readonly loss: GrpoLoss;
  /** Whose ratio it is: a token's, or the mean of an answer's. */
  readonly importance_sampling_level: RatioLevel;
  /** What differences of rewards are divided by. */
  readonly scale_rewards: RewardScale;
  /** Whether the divergence is weighed by the ratio, so that its gradient has no bias. */
  readonly unbiased_kl: boolean;
}

/** Learning from rewards beside the mean of the others. */
export interface RlooConfig extends SamplingConfig {
  /** Its name. */
  readonly kind: "rloo";
  /** Whether advantages are put around 0 in deviations of all. */
  readonly normalise_advantages: boolean;
}

/** Learning from what is still to come. */
export interface ReinforceConfig extends SamplingConfig {
  /** Its name. */
  readonly kind: "reinforce++";
}

/** Learning from rewards beside what was to be expected, which is learnt too. */
export interface PpoConfig extends SamplingConfig {
  /** Its name. */
  readonly kind: "ppo";
  /** What a token later counts of a reward. */
  readonly gamma: number;
  /** How far an advantage looks ahead: 0 to the next value, 1 to the end of the answer. */
  readonly gae_lambda: number;
  /** What the loss of values counts. */
  readonly value_coef: number;
  /** How far a value may go from where it was before it gains nothing more. */
  readonly epsilon_value: number;
}

/** Learning from rewards by how answers compare. */
export type PolicyConfig = GrpoConfig | RlooConfig | ReinforceConfig;

/** Learning from rewards of answers that are drawn while it trains. */
export type OnlineConfig = PolicyConfig | PpoConfig;

/** Learning another model's predictions. */
export interface GkdConfig {
  /** Its name. */
  readonly kind: "gkd";
  /** The model that is learnt from: its folder or file, or its name on the hub. */
  readonly teacher: string;
  /** Which divergence: 0 the teacher's from the model, 1 the model's from the teacher, or between. */
  readonly beta: number;
  /** The share of prompts whose answers the model draws itself. */
  readonly lmbda: number;
  /** What logits are divided by, as they are compared and as answers are drawn. */
  readonly temperature: number;
  /** Prompts of an update. */
  readonly prompts: number;
  /** Most tokens of an answer that is drawn. */
  readonly max_tokens: number;
}

/** Learning from preferences. */
export type PreferenceConfig = DpoConfig | CpoConfig | SimpoConfig | OrpoConfig;

/** What updates minimise. */
export type ObjectiveConfig =
  | SftConfig
  | PreferenceConfig
  | KtoConfig
  | ScoreConfig
  | GkdConfig
  | OnlineConfig;

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

/** The keys of the section `train` that methods read. */
export interface TrainSettings {
  /** Passes over the rows, where that is what says how long a run is. */
  readonly epochs?: number;
  readonly tokens_per_batch: number;
  readonly micro_batch_tokens: number;
  readonly seed: number;
  readonly neftune_noise_alpha?: number;
  readonly shuffle: boolean;
  readonly recompute: boolean;
  /** Updates from one measurement of `eval.data` to the next; 0 is only at the end. */
  readonly eval_every: number;
}
