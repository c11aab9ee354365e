/**
 * What a sweep runs: a config, and which of its keys take which values.
 *
 * @module
 */
import { z } from "../../deps/zod.ts";
import { seedsSchema, valuesSchema } from "../trials/spec.ts";
import { nameOf } from "./names.ts";

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
    .refine((vary) => Object.keys(vary).length > 0, { error: "wanted a key at least" })
    .exactOptional(),
  /** Settings as they are, in place of what is varied: values by dotted keys. */
  settings: z.array(z.record(z.string(), z.json())).min(1).exactOptional(),
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
}).superRefine(({ vary, settings, random, metric, highest }, context) => {
  const fault = (path: string[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  if ((vary === undefined) === (settings === undefined)) {
    const found = vary ? "both vary and settings" : "neither vary nor settings";
    fault([], `found ${found}, wanted one of them`);
  }
  if (settings && random !== undefined) fault(["random"], "found random beside settings");
  if (settings && new Set(settings.map(nameOf)).size < settings.length) {
    fault(["settings"], "found a setting twice");
  }
  const isRuns = (key: string) => key === "train.seed" || key === "out";
  for (const [at, setting] of (settings ?? []).entries()) {
    for (const key of Object.keys(setting).filter(isRuns)) {
      fault(["settings", String(at), key], "wanted seeds for that, or none");
    }
  }
  for (const [key, values] of Object.entries(vary ?? {})) {
    if (random === undefined && !Array.isArray(values)) {
      fault(["vary", key], "found a range, wanted a list, or random: so many settings");
    }
    if (isRuns(key)) fault(["vary", key], "wanted seeds for that, or none");
  }
  if (/^task\/|accuracy$/.test(metric) && !highest) {
    fault(["metric"], `found ${metric} without highest, wanted highest: true for it`);
  }
});

/** A checked spec. */
export type SweepSpec = z.infer<typeof sweepSchema>;
