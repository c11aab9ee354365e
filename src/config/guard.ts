/**
 * The guard's keys of the configuration table.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { parseBudget } from "../forgetting/budget.ts";
import type { GuardConfig } from "../forgetting/settings.ts";
import { count, positive, rows } from "./kinds.ts";

const share = z.number().gte(0).lt(1);

const controller = z.strictObject({
  lambda: positive.default(2).describe("weight of the guard's loss at the start"),
  ki: z.number().gte(0).default(0.8).describe("integral gain between two measurements"),
  kp: z.number().gte(0).default(0.5).describe("proportional gain"),
  kd: z.number().gte(0).default(0.5).describe("derivative gain"),
  margin: share.default(0.15).describe("share of the budget that the run is not to use"),
  fade: share.default(0.25)
    .describe("share of forgetting that goes by itself as the learning rate falls from its peak"),
  ema: share.default(0.9).describe("decay of the averages"),
}).prefault({}).describe("constants of the controller");

const documents = z.strictObject({
  control: count.default(64).describe(
    "documents that the controller works by, at most a sixth of the text",
  ),
  certificate: count.default(256).describe("documents that certify, at most a third"),
  probe: count.default(32).describe("documents that the report shows, at most a twelfth"),
}).prefault({}).describe("the most documents that each held-back part has");

const rollback = z.strictObject({
  at: z.number().gte(0).default(3)
    .describe("times the budget, in the second half, at which a run goes back; 0 = never"),
  most: z.int().min(0).default(3).describe("how often at most"),
}).prefault({}).describe("when a run goes back to its last checkpoint within the budget");

/** Checks the guard's section. */
export const guardSchema: z.ZodType<false | GuardConfig> = z.union([
  z.literal(false),
  z.strictObject({
    text: z.array(rows("")).default([])
      .describe("files of what must not be forgotten; where there are none, the base writes text"),
    samples: count.default(512).describe("documents that the base writes where there is no text"),
    budget: z.string().default("ppl:2%").superRefine((text, context) => {
      try {
        parseBudget(text);
      } catch (fault) {
        context.addIssue({ code: "custom", message: uncapitalised((fault as Error).message) });
      }
    }).describe("what may be forgotten: ppl:2%, kl:0.02, or slices: ppl[stories]:1%,ppl[code]:5%"),
    loss: z.enum(["kl", "ce", "ewc"]).default("kl").describe(
      "learnt on retention text: the base's predictions (kl) or the text itself (ce); ewc = no text, " +
        "but a pull back to the base's weights by their Fisher information, with a fixed weight",
    ),
    fisher_documents: count.default(256)
      .describe("documents of each slice that the Fisher information of ewc is taken from"),
    share: z.number().gt(0).lte(1).default(0.2)
      .describe("guard tokens of an update for each task token"),
    weight: z.union([z.literal("tokens"), z.number().gte(0)]).exactOptional().describe(
      "fixed weight of the guard's mean loss in place of the controller; tokens = a guard token " +
        "counts as much as a task token",
    ),
    every: count.default(25).describe("updates between measurements"),
    documents,
    task_rows: count.default(128)
      .describe("rows of eval.data, or else of the training data, that choices are compared by"),
    delta: z.number().gt(0).lt(0.5).default(0.05)
      .describe("probability of certifying an adapter that forgets more than its budget"),
    strict: z.boolean().default(false)
      .describe(
        "a document counts up to one nat a token in the certificate, not what others suggest",
      ),
    controller,
    rollback,
  }).superRefine(({ loss, weight }, context) => {
    if (loss !== "ewc" || typeof weight === "number") return;
    const found = weight === undefined ? "missing" : `found ${JSON.stringify(weight)}`;
    const message = `${found}, wanted a number of at least 0, for the loss ewc has no controller`;
    context.addIssue({ code: "custom", path: ["weight"], message });
  }),
]).default(false).describe("forgetting guard, or false for none");

const uncapitalised = (text: string): string => text[0]!.toLowerCase() + text.slice(1);
