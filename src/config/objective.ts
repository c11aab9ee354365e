/**
 * The part of the table that says what updates minimise: an object of its own for each kind.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { REFERENCE_LOSSES, referenceLosses } from "../objectives/preference/losses/mod.ts";
import type { ObjectiveConfig } from "../objectives/settings.ts";
import { UNPAIRED_LOSSES, unpairedLosses } from "../objectives/unpaired/losses.ts";
import { count, place, positive } from "./kinds.ts";
import { onlineSchemas } from "./online.ts";

const kind = <K extends ObjectiveConfig["kind"]>(name: K) =>
  z.literal(name).describe(
    "sft: the answers; dpo, cpo, simpo, orpo: the chosen answers rather than the rejected; " +
      "kto: answers labelled true rather than false; classify: the classes of texts; " +
      "reward: which answer is better; gkd: what a teacher predicts; grpo, rloo, reinforce++, ppo: answers that are worth more, drawn " +
      "while it trains",
  );

const smoothing = z.number().gte(0).lt(0.5).default(0)
  .describe("share of the preferences that are taken to be the wrong way round");

const sftWeight = (byDefault: number) =>
  z.number().nonnegative().default(byDefault)
    .describe("what the mean nats of a token of the chosen answers count beside the loss");

const reference = place(
  "adapter beside which answers are compared: a folder, or owner/name on the hub; the base alone " +
    "when absent",
).exactOptional();

const dpo = z.strictObject({
  kind: kind("dpo"),
  reference,
  beta: positive.default(0.1).describe("how much the distance from the base costs"),
  loss: z.enum(REFERENCE_LOSSES).default(REFERENCE_LOSSES[0]!)
    .describe("loss of a preference"),
  label_smoothing: smoothing,
  sft_weight: sftWeight(0),
}).superRefine(({ loss, label_smoothing: share }, context) => {
  const { smoothing } = referenceLosses[loss];
  if (smoothing === "any" || (smoothing === "none") === (share === 0)) return;
  const wanted = smoothing === "none" ? "0" : "one above 0";
  const message = `found ${share} beside objective.loss ${loss}, wanted ${wanted}`;
  context.addIssue({ code: "custom", path: ["label_smoothing"], message });
});

const cpo = z.strictObject({
  kind: kind("cpo"),
  beta: positive.default(0.1).describe("what a nat of an answer's likelihood is worth"),
  label_smoothing: smoothing,
  sft_weight: sftWeight(1),
});

const simpo = z.strictObject({
  kind: kind("simpo"),
  beta: positive.default(2).describe("what a nat a token is worth"),
  gamma: z.number().nonnegative().default(0.5)
    .describe("the difference of rewards that is wanted"),
  label_smoothing: smoothing,
  sft_weight: sftWeight(0),
});

const orpo = z.strictObject({
  kind: kind("orpo"),
  beta: positive.default(0.1)
    .describe("what the odds ratio counts beside the likelihood of the chosen answers"),
});

const counts = positive.default(1);

const kto = z.strictObject({
  kind: kind("kto"),
  reference,
  beta: positive.default(0.1).describe("how much the distance from the base costs"),
  loss: z.enum(UNPAIRED_LOSSES).default(UNPAIRED_LOSSES[0]!)
    .describe("loss of a labelled answer"),
  desirable_weight: counts.describe("what an answer labelled true counts"),
  undesirable_weight: counts.describe("what an answer labelled false counts"),
}).superRefine(({ loss, reference }, context) => {
  if (reference === undefined || !unpairedLosses[loss].hasDivergence) return;
  const message =
    `found one beside objective.loss ${loss}, whose divergence is from the base, wanted none`;
  context.addIssue({ code: "custom", path: ["reference"], message });
});

const classify = z.strictObject({
  kind: kind("classify"),
  labels: z.array(z.string().min(1)).min(2)
    .refine((labels) => new Set(labels).size === labels.length, "wanted names that differ")
    .describe("names of the classes, in the order of their scores"),
});

const reward = z.strictObject({
  kind: kind("reward"),
  centring: z.number().nonnegative().default(0)
    .describe("what the mean squared sum of two rewards counts, which keeps rewards around 0"),
});

const gkd = z.strictObject({
  kind: kind("gkd"),
  teacher: place(
    "model whose predictions are learnt: a folder, a GGUF file, or owner/name on the hub",
  ),
  beta: z.number().gte(0).lte(1).default(0.5).describe(
    "which divergence: 0 KL of the teacher from the model, 1 the reverse, between them " +
      "Jensen-Shannon, the teacher's share of the mixture",
  ),
  lmbda: z.number().gte(0).lte(1).default(0.5)
    .describe("share of the prompts whose answers the model draws in place of those of the rows"),
  temperature: positive.default(1)
    .describe("what logits are divided by where answers are drawn and predictions compared"),
  prompts: count.default(8).describe("prompts of an update"),
  max_tokens: count.default(128).describe("most tokens of an answer that is drawn"),
});

/** What updates minimise. */
export const objectiveSchema: z.ZodType<ObjectiveConfig> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: kind("sft") }),
  dpo,
  cpo,
  simpo,
  orpo,
  kto,
  classify,
  reward,
  gkd,
  ...onlineSchemas(kind),
]).default({ kind: "sft" }).describe("what updates minimise");
