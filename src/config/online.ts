/**
 * The part of the table for objectives whose answers are drawn while a run trains.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { REWARD_SCALES } from "../objectives/policy/advantages.ts";
import { GRPO_LOSSES, RATIO_LEVELS } from "../objectives/policy/update.ts";
import { count, notNegative, positive } from "./kinds.ts";
import { rewardsSchema } from "./rewards.ts";

/** Keys that all of them have. */
const sampling = {
  rewards: rewardsSchema,
  prompts: count.default(8).describe("prompts that are drawn for an update"),
  answers: count.default(8).describe("answers to each of them"),
  max_tokens: count.default(128)
    .describe("most tokens of an answer; fewer where its prompt leaves no room for so many"),
  temperature: positive.default(1).describe(
    "what logits are divided by where answers are drawn; ratios and divergence are taken there too",
  ),
  iterations: count.default(1).describe("updates that are made of the same answers"),
  resample: z.int().min(0).max(100).default(0).describe(
    "how often other prompts are drawn in place of those whose answers are all worth the same",
  ),
  mask_truncated: z.boolean().default(false)
    .describe("whether answers that were cut off at max_tokens count nothing"),
  epsilon: z.number().gt(0).lt(1).default(0.2)
    .describe("how far the ratio to the model that drew may fall before it gains nothing more"),
  epsilon_high: positive.exactOptional()
    .describe("how far it may rise; epsilon when absent"),
  stop_kl: positive.exactOptional().describe("nats a token from the base at which the run ends"),
  stop_tokens: positive.exactOptional().describe("mean tokens of an answer at which the run ends"),
  stop_drop: notNegative.exactOptional().describe(
    "what the reward on eval.data may fall below its best before the run ends",
  ),
};

const share = z.number().gte(0).lte(1);

const hasOthers = ({ answers }: { readonly answers: number }) => answers > 1;

const ALONE = {
  path: ["answers"],
  error: "found 1, wanted 2 at least: each is judged beside the others",
};

/** The schemas, given what describes `kind`. */
export const onlineSchemas = (
  kind: <K extends "grpo" | "rloo" | "reinforce++" | "ppo">(name: K) => z.ZodLiteral<K>,
) =>
  [
    z.strictObject({
      kind: kind("grpo"),
      loss: z.enum(GRPO_LOSSES).default(GRPO_LOSSES[0]!)
        .describe(
          "mean over answers (grpo), over answers of max_tokens (dr_grpo) or tokens (dapo)",
        ),
      importance_sampling_level: z.enum(RATIO_LEVELS).default(RATIO_LEVELS[0]!)
        .describe("whose ratio is clipped: a token's, or the geometric mean of an answer's (GSPO)"),
      scale_rewards: z.enum(REWARD_SCALES).exactOptional().describe(
        "what differences of rewards are divided by: their deviation among the answers to a prompt, in " +
          "the batch, or none; group when absent, none for dr_grpo",
      ),
      beta: notNegative.default(0).describe("what a nat a token from the base costs"),
      unbiased_kl: z.boolean().default(true).describe(
        "whether the divergence is weighed by the ratio, so that its gradient is that of its mean",
      ),
      ...sampling,
    }).refine(hasOthers, ALONE).transform(({ epsilon_high, scale_rewards, ...rest }) => ({
      ...rest,
      epsilon_high: epsilon_high ?? rest.epsilon,
      scale_rewards: scale_rewards ??
        (rest.loss === "dr_grpo" ? "none" as const : "group" as const),
    })),
    z.strictObject({
      kind: kind("rloo"),
      beta: notNegative.default(0.05).describe("what a nat from the base costs of the reward"),
      normalise_advantages: z.boolean().default(false)
        .describe("whether advantages are put around 0 in their deviations"),
      ...sampling,
    }).refine(hasOthers, ALONE).transform(withHigh),
    z.strictObject({
      kind: kind("reinforce++"),
      beta: notNegative.default(0.01).describe("what a nat from the base costs of the reward"),
      ...sampling,
    }).transform(withHigh),
    z.strictObject({
      kind: kind("ppo"),
      beta: notNegative.default(0.05).describe("what a nat from the base costs of the reward"),
      gamma: share.default(1).describe("what a reward counts one token earlier"),
      gae_lambda: share.default(0.95)
        .describe("how far advantages look ahead: 0 to the next value, 1 to the answer's end"),
      value_coef: positive.default(0.1).describe("what the loss of values counts"),
      epsilon_value: positive.default(0.2)
        .describe("how far a value may go from where it was before it gains nothing more"),
      ...sampling,
    }).transform(withHigh),
  ] as const;

function withHigh<T extends { readonly epsilon: number; readonly epsilon_high?: number }>(
  config: T,
) {
  return { ...config, epsilon_high: config.epsilon_high ?? config.epsilon };
}
