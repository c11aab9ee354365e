/**
 * The part of the table that says what updates minimise: an object of its own for each kind.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { PREFERENCE_LOSSES, preferenceLosses } from "../objectives/preference/losses.ts";
import type { ObjectiveConfig } from "../objectives/settings.ts";
import { positive } from "./kinds.ts";

const kind = <K extends ObjectiveConfig["kind"]>(name: K) =>
  z.literal(name).describe("sft: the answers; dpo: the chosen answers rather than the rejected");

const dpo = z.strictObject({
  kind: kind("dpo"),
  beta: positive.default(0.1).describe("how much the distance from the base costs"),
  loss: z.enum(PREFERENCE_LOSSES).default(PREFERENCE_LOSSES[0]!)
    .describe("loss of a preference"),
  label_smoothing: z.number().gte(0).lt(0.5).default(0)
    .describe("share of the preferences that are taken to be the wrong way round; of sigmoid only"),
}).superRefine(({ loss, label_smoothing: share }, context) => {
  if (share === 0 || preferenceLosses[loss].smooths) return;
  const message = `found ${share} beside objective.loss ${loss}, wanted 0`;
  context.addIssue({ code: "custom", path: ["label_smoothing"], message });
});

/** What updates minimise. */
export const objectiveSchema: z.ZodType<ObjectiveConfig> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: kind("sft") }),
  dpo,
]).default({ kind: "sft" }).describe("what updates minimise");
