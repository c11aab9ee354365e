/**
 * What a sweep runs: a config, and which of its keys take which values.
 *
 * @module
 */
import { z } from "../../deps/zod.ts";
import { seedsSchema, valuesSchema } from "../trials/spec.ts";

/** Values to choose from. */
const list = z.array(z.json()).min(1)
  .refine(
    (values) => new Set(values.map((value) => JSON.stringify(value))).size === values.length,
    {
      error: "found a value twice",
    },
  );

/** Numbers to draw from: evenly, or evenly by their logarithm. */
const range = z.strictObject({
  low: z.number(),
  high: z.number(),
  log: z.boolean().default(false),
  whole: z.boolean().default(false),
}).refine(({ low, high }) => low < high, { error: "wanted low below high" })
  .refine(({ log, low }) => !log || low > 0, { error: "wanted low above 0 for log" });

/** Numbers to draw from. */
export type Range = z.infer<typeof range>;

/** The spec of a sweep. */
export const sweepSchema = z.strictObject({
  /** A config of `train` without `out`. */
  run: valuesSchema,
  /** By dotted keys of the config. */
  vary: z.record(z.string(), z.union([list, range]))
    .refine((vary) => Object.keys(vary).length > 0, { error: "wanted a key at least" }),
  /** So many settings are drawn; every combination of the lists where absent. */
  random: z.int().min(1).exactOptional(),
  /** Of what is drawn. */
  seed: z.int().min(0).max(2 ** 32 - 1).default(0),
  /** All settings are trained for less; the best one in `eta` of them goes on to `eta` times as much. */
  halving: z.strictObject({
    eta: z.int().min(2).default(3),
    rungs: z.int().min(2),
  }).exactOptional(),
  /** The figure of a run that settings are compared by, as in `deno task runs best`. */
  metric: z.string().min(1).default("eval_loss"),
  /** Whether the highest is the best; the lowest otherwise. */
  highest: z.boolean().default(false),
  /** Each setting is trained with each; it is compared by the mean. */
  seeds: seedsSchema.default([1]),
}).superRefine(({ vary, random, metric, highest }, context) => {
  const fault = (path: string[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  for (const [key, values] of Object.entries(vary)) {
    if (random === undefined && !Array.isArray(values)) {
      fault(["vary", key], "found a range, wanted a list, or random: so many settings");
    }
    if (key === "train.seed" || key === "out") {
      fault(["vary", key], "wanted seeds for that, or none");
    }
  }
  if (/^task\/|accuracy$/.test(metric) && !highest) {
    fault(["metric"], `found ${metric} without highest, wanted highest: true for it`);
  }
});

/** A checked spec. */
export type SweepSpec = z.infer<typeof sweepSchema>;
